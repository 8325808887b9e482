package deployment

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/scenarios/environment/pod"
	"github.com/chatlab/chatlab/system/node"
)

const (
	podStartsWithin = 20 * time.Second
	podReadyWithin  = 30 * time.Second
	podStopsWithin  = 12 * time.Second
)

// pods are the child processes, by name.
type pods struct {
	mu   sync.Mutex
	args map[string][]string
	live map[string]*pod.Pod

	skew   map[string]time.Duration // of wall clocks, of pods that are yet to come, too
	limits map[string]*limit        // of memory
}

// arguments makes the command line of each pod.
func (s *System) arguments() (map[string][]string, error) {
	switches, err := json.Marshal(s.spec.Switches)
	if err != nil {
		return nil, fmt.Errorf("encode switches: %w", err)
	}
	t, out := s.spec.Topology, map[string][]string{}
	for _, role := range node.Roles() {
		for _, name := range podNames(role, t) {
			args := []string{role, "--name", name, "--switches", string(switches), "--log-level", "warn",
				"--user-jwks", s.keys.userJWKS, "--ticket-key", s.keys.ticketKey, "--ticket-jwks", s.keys.ticketJWKS,
				"--cluster-secret", s.keys.secret, "--address-rate", "0", // all devices come from one address
				"--presence-ttl", s.spec.PresenceTTL.String(), "--heartbeat", s.spec.Heartbeat.String(), "--drain", "1s",
			}
			args = appendAll(args, "--kafka", s.announced(Log))
			args = appendAll(args, "--cassandra", s.announced(Tables))
			args = appendAll(args, "--redis-cache", s.announced(Cache))
			args = appendAll(args, "--redis-presence", s.announced(Presence))
			args = appendAll(args, "--messages", addresses(podNames(node.Message, t), rpc))
			args = appendAll(args, "--presences", addresses(podNames(node.Presence, t), rpc))
			args = append(args, s.keys.push...)
			for _, g := range podNames(node.Gateway, t) {
				args = append(args, "--gateways", g+"="+rpc(g), "--gateway-public", g+"="+public(g))
			}
			if at, ok := s.links.fixed[name]; ok {
				args = append(args, "--public-listen", at)
			}
			for announced, address := range s.links.names[name] {
				args = append(args, "--names", announced+"="+address)
			}
			out[name] = args
		}
	}
	return out, nil
}

func appendAll(args []string, flag string, values []string) []string {
	for _, v := range values {
		args = append(args, flag, v)
	}
	return args
}

// startAll starts every pod and waits until all are ready. Edges come last: their first look at the gateways finds all of
// them, or the first devices would all be sent to those that were quickest.
func (s *System) startAll(ctx context.Context) error {
	edge := func(name string) bool { return strings.HasPrefix(name, node.Edge+"-") }
	for _, last := range []bool{false, true} {
		var g errgroup.Group
		for name := range s.pods.args {
			if edge(name) == last {
				g.Go(func() error { return s.startPod(name) })
			}
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return s.waitReady(ctx)
}

func (s *System) startPod(name string) error {
	p, err := pod.Start(s.pods.args[name], podStartsWithin)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := s.bringUp(name, p); err != nil {
		p.Kill()
		return err
	}
	s.links.podAt(p.Addresses)
	s.pods.mu.Lock()
	defer s.pods.mu.Unlock()
	s.pods.live[name] = p
	return nil
}

func (s *System) pod(name string) (*pod.Pod, bool) {
	s.pods.mu.Lock()
	defer s.pods.mu.Unlock()
	p, ok := s.pods.live[name]
	return p, ok
}

func (s *System) forget(name string) {
	s.pods.mu.Lock()
	defer s.pods.mu.Unlock()
	delete(s.pods.live, name)
}

func (s *System) livePods() map[string]*pod.Pod {
	s.pods.mu.Lock()
	defer s.pods.mu.Unlock()
	out := make(map[string]*pod.Pod, len(s.pods.live))
	for n, p := range s.pods.live {
		out[n] = p
	}
	return out
}

// waitReady waits until every live pod says that it can work, and until the workers hold all partitions.
func (s *System) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, podReadyWithin)
	defer cancel()
	var g errgroup.Group
	for name, p := range s.livePods() {
		g.Go(func() error { return until(ctx, name, func() error { return ready(ctx, p.Addresses.Admin) }) })
	}
	g.Go(func() error { return until(ctx, "stores", func() error { return s.stores.Ready(ctx) }) })
	g.Go(func() error { return until(ctx, "fan-out group", func() error { return s.groupReady(ctx) }) })
	if err := g.Wait(); err != nil {
		return fmt.Errorf("wait until ready: %w", err)
	}
	return nil
}

// groupReady says whether the workers that live hold all partitions between them, each its share.
func (s *System) groupReady(ctx context.Context) error {
	held, workers := 0.0, 0
	for name, p := range s.livePods() {
		if p.Addresses.Role != node.Fanout {
			continue
		}
		n, err := scrape(ctx, p.Addresses.Admin, "chat_fanout_partitions_held")
		if err != nil || n == 0 {
			return fmt.Errorf("%s holds no partition yet", name)
		}
		held += n
		workers++
	}
	if workers > 0 && int(held) != s.spec.Topology.Partitions {
		return fmt.Errorf("workers hold %g partitions of %d", held, s.spec.Topology.Partitions)
	}
	return nil
}

func ready(ctx context.Context, admin string) error {
	return ask(ctx, http.MethodGet, admin, "/readyz")
}

func post(ctx context.Context, admin, path string) error {
	return ask(ctx, http.MethodPost, admin, path)
}

// ask calls a page of a pod's admin listener and makes an error of what is no success.
func ask(ctx context.Context, method, admin, path string) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+admin+path, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		text := make([]byte, 500)
		n, _ := res.Body.Read(text)
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text[:n])
	}
	return nil
}

// until asks again every 50 ms; the last answer is the error when ctx ends.
func until(ctx context.Context, what string, ask func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, err)
		case <-tick.C:
		}
	}
}
