package deployment

import (
	"context"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/chaos/relay"
)

// Kill crashes a pod or a store's server: SIGKILL.
func (s *System) Kill(ctx context.Context, name string) error {
	if s.isStore(name) {
		return s.stores.Kill(ctx, name)
	}
	p, ok := s.pod(name)
	if !ok {
		return s.exists(name)
	}
	s.hear(name, p)
	p.Kill()
	s.forget(name)
	return nil
}

// Start starts what was killed or stopped.
func (s *System) Start(ctx context.Context, name string) error {
	if s.isStore(name) {
		err := s.stores.Start(ctx, name)
		s.links.storesAt(s.endpoints())
		return err
	}
	if err := s.exists(name); err != nil {
		return err
	}
	if p, ok := s.pod(name); ok && p.Ended() == "" {
		return nil
	} else if ok {
		s.hear(name, p)
	}
	return s.startPod(name)
}

// Drain asks a pod to let its sockets go, as its orchestrator does before it replaces it.
func (s *System) Drain(ctx context.Context, name string, over time.Duration) error {
	p, ok := s.pod(name)
	if !ok {
		return fmt.Errorf("drain %s: no such pod runs", name)
	}
	s.asking.Go(func() { // the pod answers when its sockets have gone, or when it ends
		if err := post(context.WithoutCancel(ctx), p.Addresses.Admin, "/drain?window="+over.String()); err != nil {
			s.spec.Log.Warn("drain pod", "pod", name, "error", err)
		}
	})
	return nil
}

// Stop ends a pod or a store's server by SIGTERM and waits for its end.
func (s *System) Stop(ctx context.Context, name string) error {
	if s.isStore(name) {
		return s.stores.Stop(ctx, name)
	}
	p, ok := s.pod(name)
	if !ok {
		return s.exists(name)
	}
	s.hear(name, p)
	err := p.Stop(podStopsWithin)
	s.forget(name)
	return err
}

// Freeze stops a process as a long pause would.
func (s *System) Freeze(ctx context.Context, name string) error {
	if s.isStore(name) {
		return s.stores.Freeze(ctx, name)
	}
	p, ok := s.pod(name)
	if !ok {
		return fmt.Errorf("freeze %s: no such pod runs", name)
	}
	return p.Freeze()
}

// Thaw continues a frozen process.
func (s *System) Thaw(ctx context.Context, name string) error {
	if s.isStore(name) {
		return s.stores.Thaw(ctx, name)
	}
	p, ok := s.pod(name)
	if !ok {
		return s.exists(name)
	}
	return p.Thaw()
}

// Healthy says whether everything works again.
func (s *System) Healthy(ctx context.Context) error { return s.waitReady(ctx) }

// Links lists the links whose ends match two patterns.
func (s *System) Links(from, to string) []*relay.Link { return s.links.between(from, to) }

// Wires lists the ways between servers whose names match two patterns, both of which name servers: a star alone means all who
// dial over links.
func (s *System) Wires(from, to string) []chaos.Wire {
	if from == "*" || to == "*" {
		return nil
	}
	return s.stores.Wires(from, to)
}
