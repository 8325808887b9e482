package embedded

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/chaos/relay"
	"github.com/chatlab/chatlab/system/node"
)

// Kill crashes a pod: SIGKILL.
func (s *System) Kill(_ context.Context, name string) error {
	p, ok := s.pod(name)
	if !ok {
		return fmt.Errorf("kill %s: no such pod runs", name)
	}
	s.hear(name, p)
	p.Kill()
	s.forget(name)
	return nil
}

// Start starts a pod that was killed.
func (s *System) Start(_ context.Context, name string) error {
	if err := s.exists(name); err != nil {
		return err
	}
	if _, ok := s.pod(name); ok {
		return nil // somebody else brought it back
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

// Stop ends a pod by SIGTERM and waits for its end.
func (s *System) Stop(_ context.Context, name string) error {
	p, ok := s.pod(name)
	if !ok {
		return fmt.Errorf("stop %s: no such pod runs", name)
	}
	s.hear(name, p)
	err := p.Stop(podStopsWithin)
	s.forget(name)
	return err
}

// Freeze stops a pod's process as a long pause would.
func (s *System) Freeze(_ context.Context, name string) error {
	p, ok := s.pod(name)
	if !ok {
		return fmt.Errorf("freeze %s: no such pod runs", name)
	}
	return p.Freeze()
}

// Thaw continues a frozen pod.
func (s *System) Thaw(_ context.Context, name string) error {
	p, ok := s.pod(name)
	if !ok {
		return fmt.Errorf("thaw %s: no such pod runs", name)
	}
	return p.Thaw()
}

// Healthy says whether everything works again.
func (s *System) Healthy(ctx context.Context) error { return s.waitReady(ctx) }

// Links lists the links whose ends match two patterns.
func (s *System) Links(from, to string) []*relay.Link { return s.links.between(from, to) }

// Gauge answers lag: that of the partition which lags most.
func (s *System) Gauge(ctx context.Context, name string) (float64, error) {
	if name != "lag" {
		return 0, fmt.Errorf("gauge %q is unknown: want lag", name)
	}
	lag, err := s.Lag(ctx)
	most := int64(0)
	for _, n := range lag {
		most = max(most, n)
	}
	return float64(most), err
}

// Available refuses what needs real servers or cannot be done to something that is no process.
func (s *System) Available(f chaos.Fault) error {
	switch f := f.(type) {
	case chaos.Kill:
		return s.onlyPods(f.Name)
	case chaos.Freeze:
		return s.onlyPods(f.Name)
	case chaos.Drain:
		if !strings.HasPrefix(f.Name, node.Gateway+"-") {
			return fmt.Errorf("only gateways hold sockets that have to go")
		}
		return s.exists(f.Name)
	}
	return nil
}

func (s *System) onlyPods(name string) error {
	if strings.HasPrefix(name, "kafka-") || strings.HasPrefix(name, "cassandra-") || strings.HasPrefix(name, "redis-") {
		return fmt.Errorf("needs containers: the embedded world's stores share the lab's process")
	}
	return s.exists(name)
}
