// Package world runs the whole system in one process: every role and every store's stand-in, on whatever network it is given.
package world

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	simpush "github.com/chatlab/chatlab/sim/push"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/trace"
	"github.com/chatlab/chatlab/system/transport"
)

// Config says how the world runs.
type Config struct {
	// Host is the network as one host of it dials and listens; hosts are called as the pods are, and "redis", "kafka"
	// and "cassandra". Nil: all share the machine's own, on loopback.
	Host       func(name string) transport.Network
	Partitions int // 24 when 0
	Switches   chat.Switches
	EdgeListen string // 127.0.0.1:0 when empty
	// KafkaListen is where the log's one broker listens and can be reached without knowing names, so that stock Kafka
	// clients can look in; empty: three brokers under names that only the roles know.
	KafkaListen string
	// Pace is how often idle parts ask for news, 1 s when 0, and Session how long the fan-out group waits for a silent
	// worker, 6 s when 0 and 5 min at most. With longer ones an idle week takes less time to play.
	Pace, Session time.Duration
	Gateways      int // 1 when 0
	// Nodes is how many hold the tables, 3 when 0. Each role's driver asks each of them every 5 s whether it lives, which
	// is most of what an idle week costs.
	Nodes  int
	TLSDev string       // directory of a development certificate for edge and gateway; empty: no TLS
	Trace  trace.Config // where spans go; nowhere by default
	Log    *slog.Logger
	Now    func() time.Time
	// Tune, if set, changes what a role is told, such as limits that a test wants to meet.
	Tune func(role string, cfg *node.Config)
}

// World is a running system.
type World struct {
	EdgeURL string
	Push    *simpush.Server // what phones are notified of
	Stores  Stores
	Kafka   []string // brokers, as they announce themselves
	names   map[string]string
	cfg     Config
	users   *token.Issuer
	base    node.Config // what all roles are told

	userKeys []byte
	nodes    []*node.Node
	closers  []func()
}

// drain is how long sockets may take to leave when the world ends.
const drain = 500 * time.Millisecond

// Start runs stores and roles and returns when all are ready.
func Start(ctx context.Context, cfg Config) (*World, error) {
	if cfg.Host == nil {
		cfg.Host = func(string) transport.Network { return transport.Network{} }
	}
	if cfg.Partitions == 0 {
		cfg.Partitions = 24
	}
	if cfg.Gateways == 0 {
		cfg.Gateways = 1
	}
	if cfg.Nodes == 0 {
		cfg.Nodes = 3
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	w := &World{cfg: cfg, names: map[string]string{}}
	if err := w.start(ctx); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *World) start(ctx context.Context) error {
	base, err := w.startStores()
	if err != nil {
		return err
	}
	if err := w.makeKeys(&base); err != nil {
		return err
	}
	if err := node.Migrate(ctx, base); err != nil {
		return err
	}
	w.base = base
	for _, role := range []string{node.Message, node.Presence, node.Gateway, node.Fanout, node.Push, node.Edge} {
		pods := 1
		if role == node.Gateway {
			pods = w.cfg.Gateways
		}
		for i := range pods {
			if err := w.startPod(ctx, base, role, i+1); err != nil {
				return err
			}
		}
	}
	return w.waitReady(ctx)
}

// Token makes a user's token, as an identity provider would.
func (w *World) Token(user chat.ID, life time.Duration) (string, error) {
	return w.users.User(token.User{ID: user, Expires: w.cfg.Now().Add(life)})
}

// UserKeys is the key set that verifies user tokens, which everybody may know.
func (w *World) UserKeys() []byte { return w.userKeys }

// Stop ends a role's pod before the world ends.
func (w *World) Stop(ctx context.Context, role string) {
	for i, n := range w.nodes {
		if n.Addresses().Role == role {
			n.Close(ctx)
			w.nodes = slices.Delete(w.nodes, i, i+1)
			return
		}
	}
}

// Restart starts a role's pod again, after Stop.
func (w *World) Restart(ctx context.Context, role string) error {
	if err := w.startPod(ctx, w.base, role, 1); err != nil {
		return err
	}
	return w.waitReady(ctx)
}

// Addresses says where each role listens.
func (w *World) Addresses() []node.Addresses {
	all := make([]node.Addresses, len(w.nodes))
	for i, n := range w.nodes {
		all[i] = n.Addresses()
	}
	return all
}

// from is the network as a pod on this host sees it. It calls those that started before.
func (w *World) from(host string) transport.Network {
	n := w.cfg.Host(host)
	n.Names = maps.Clone(w.names) // what starts later must not race with its dials
	return n
}

// Close ends roles, then stores.
func (w *World) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for i := len(w.nodes) - 1; i >= 0; i-- {
		w.nodes[i].Close(ctx)
	}
	for i := len(w.closers) - 1; i >= 0; i-- {
		w.closers[i]()
	}
}

func (w *World) startPod(ctx context.Context, base node.Config, role string, number int) error {
	cfg, name := base, fmt.Sprintf("%s-%d", role, number)
	cfg.Role, cfg.Name, cfg.Network = role, name, w.from(name)
	if role == node.Edge {
		cfg.PublicListen = w.cfg.EdgeListen
		cfg.GatewayPublic = map[string]string{}
		for gateway := range base.Gateways {
			cfg.GatewayPublic[gateway] = w.names[gateway+":8080"] // devices know no names
		}
	}
	if w.cfg.Tune != nil {
		w.cfg.Tune(role, &cfg)
	}
	n, err := node.Start(ctx, cfg)
	if err != nil {
		return err
	}
	w.nodes = append(w.nodes, n)
	a := n.Addresses()
	w.names[name+":7000"], w.names[name+":8080"] = a.RPC, a.Public
	if role == node.Edge {
		w.EdgeURL = "http://" + a.Public
		if w.cfg.TLSDev != "" {
			w.EdgeURL = "https://" + a.Public
		}
	}
	return nil
}

func (w *World) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for _, n := range w.nodes {
		for {
			err := n.Ready(ctx)
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("wait for %s: %w", n.Addresses().Name, err)
			case <-tick.C:
			}
		}
	}
	return nil
}
