package deployment

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/scenarios/environment/pod"
	"github.com/chatlab/chatlab/system/node"
)

// Available refuses what this world cannot do honestly, and what acts on nobody.
func (s *System) Available(f chaos.Fault) error {
	limits := s.stores.Limits()
	if err := limits.Refuse(f); err != nil {
		return err
	}
	name := f.Target().Name
	if name == "" {
		return nil // the run knows which links there are
	}
	if _, drains := f.(chaos.Drain); drains && !strings.HasPrefix(name, node.Gateway+"-") {
		return fmt.Errorf("only gateways hold sockets that have to go")
	}
	if s.isStore(name) {
		return nil
	}
	return s.exists(name)
}

func newPods() *pods {
	return &pods{live: map[string]*pod.Pod{}, skew: map[string]time.Duration{}, limits: map[string]*limit{}}
}

// Skew sets a pod's wall clock wrong, through the pipe by which we hold its life: a pod of production has none.
func (s *System) Skew(ctx context.Context, name string, by time.Duration) error {
	s.pods.mu.Lock()
	s.pods.skew[name] = by
	s.pods.mu.Unlock()
	if p, ok := s.pod(name); ok && p.Ended() == "" {
		return p.Skew(ctx, by)
	}
	return s.exists(name)
}

// bringUp does to a new process what lasts longer than a process does, before anybody reaches it.
func (s *System) bringUp(name string, p *pod.Pod) error {
	s.pods.mu.Lock()
	by := s.pods.skew[name]
	s.pods.mu.Unlock()
	if by == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), podStartsWithin)
	defer cancel()
	return p.Skew(ctx, by)
}

// Probe asks a pod or a store's server whether it can work.
func (s *System) Probe(ctx context.Context, name string) error {
	if s.isStore(name) {
		return s.stores.Probe(ctx, name)
	}
	p, ok := s.pod(name)
	if !ok {
		return fmt.Errorf("%s does not run", name)
	}
	return ready(ctx, p.Addresses.Admin)
}

// limit is a watch over a pod's memory: no limit of the system's own can be put on a process that runs, and one of its address
// space would end a Go program at its start.
type limit struct {
	stop  chan struct{}
	ended sync.WaitGroup
}

// watchEvery is how long a pod may be above its limit.
const watchEvery = 20 * time.Millisecond

// Limit bounds the resident memory of a pod and kills it above.
func (s *System) Limit(_ context.Context, name string, bytes int64, killed func(held int64)) error {
	if err := s.exists(name); err != nil {
		return err
	}
	s.pods.unlimited(name)
	if bytes == 0 {
		return nil
	}
	l := &limit{stop: make(chan struct{})}
	l.ended.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-l.stop:
				return
			case <-tick.C:
				s.enforce(name, bytes, killed)
			}
		}
	})
	s.pods.mu.Lock()
	defer s.pods.mu.Unlock()
	s.pods.limits[name] = l
	return nil
}

func (s *System) enforce(name string, bytes int64, killed func(held int64)) {
	p, ok := s.pod(name)
	if !ok {
		return
	}
	held := int64(usageOf(name, p.PID()).RSSBytes)
	if held <= bytes {
		return
	}
	if err := s.Kill(context.Background(), name); err == nil {
		killed(held)
	}
}

// unlimited ends the watch over some pods, or all when none is named.
func (p *pods) unlimited(names ...string) {
	p.mu.Lock()
	if len(names) == 0 {
		names = slices.Collect(maps.Keys(p.limits))
	}
	var ends []*limit
	for _, name := range names {
		if l := p.limits[name]; l != nil {
			ends = append(ends, l)
			delete(p.limits, name)
		}
	}
	p.mu.Unlock()
	for _, l := range ends {
		close(l.stop)
		l.ended.Wait()
	}
}

// Evict drops a share of a Redis's keys.
func (s *System) Evict(ctx context.Context, name string, percent int) error {
	return s.stores.Evict(ctx, name, percent)
}
