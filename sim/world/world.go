// Package world runs the whole system in one process: every role and every store's stand-in, on whatever network it is given.
package world

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"time"

	"github.com/chatlab/chatlab/sim/cassandra"
	"github.com/chatlab/chatlab/sim/kafka"
	"github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// Config says how the world runs.
type Config struct {
	Network    transport.Network // zero: the machine's own, on loopback
	Partitions int               // 24 when 0
	Switches   chat.Switches
	EdgeListen string // 127.0.0.1:0 when empty
	Log        *slog.Logger
	Now        func() time.Time
}

// World is a running system.
type World struct {
	EdgeURL string
	names   map[string]string
	cfg     Config
	users   *token.Issuer
	nodes   []*node.Node
	closers []func()
}

// Logical addresses of the roles: one pod each.
const (
	gatewayRPC    = "gateway-1:7000"
	gatewayPublic = "gateway-1:8080"
	messageRPC    = "message-1:7000"
	presenceRPC   = "presence-1:7000"
	cacheAddress  = "redis-cache:6379"
	onlineAddress = "redis-presence:6379"
)

// Start runs stores and roles and returns when all are ready.
func Start(ctx context.Context, cfg Config) (*World, error) {
	if cfg.Partitions == 0 {
		cfg.Partitions = 24
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
	for _, role := range []string{node.Message, node.Presence, node.Gateway, node.Fanout, node.Edge} {
		if err := w.startRole(ctx, base, role); err != nil {
			return err
		}
	}
	return w.waitReady(ctx)
}

// Token makes a user's token, as an identity provider would.
func (w *World) Token(user chat.ID, life time.Duration) (string, error) {
	return w.users.User(token.User{ID: user, Expires: w.cfg.Now().Add(life)})
}

// Network leads a device to the gateways.
func (w *World) Network() transport.Network { return w.network() }

func (w *World) network() transport.Network {
	n := w.cfg.Network
	n.Names = maps.Clone(w.names) // what a role calls started before it; what comes later must not race with its dials
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

func (w *World) onClose(close func() error) {
	w.closers = append(w.closers, func() { _ = close() })
}

func (w *World) startStores() (node.Config, error) {
	var cfg node.Config
	listen := w.cfg.Network.ListenFunc
	log, err := kafka.Start(kafka.Config{Topics: map[string]int{wire.TopicMessages: w.cfg.Partitions}, Listen: listen})
	if err != nil {
		return cfg, fmt.Errorf("start log: %w", err)
	}
	w.onClose(log.Close)
	for _, b := range log.Brokers() {
		w.names[b.Announced] = b.Address
		cfg.Kafka = append(cfg.Kafka, b.Announced)
	}
	tables, err := cassandra.New(cassandra.Config{Listen: listen, Now: w.cfg.Now, Log: w.cfg.Log})
	if err != nil {
		return cfg, fmt.Errorf("start tables: %w", err)
	}
	w.closers = append(w.closers, tables.Close)
	maps.Copy(w.names, tables.Routes())
	cfg.Cassandra = tables.Hosts()
	for _, address := range []string{cacheAddress, onlineAddress} {
		r, err := startRedis(listen)
		if err != nil {
			return cfg, err
		}
		w.onClose(r.Close)
		w.names[address] = r.Addr()
	}
	cfg.RedisCache, cfg.RedisPresence = cacheAddress, onlineAddress
	return cfg, nil
}

func startRedis(listen func(network, address string) (net.Listener, error)) (*redis.Server, error) {
	r, err := redis.New(redis.Config{Listen: listen})
	if err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	return r, nil
}

func (w *World) makeKeys(cfg *node.Config) error {
	user, err := token.NewKey()
	if err != nil {
		return err
	}
	ticket, err := token.NewKey()
	if err != nil {
		return err
	}
	w.users = token.NewIssuer(user, w.cfg.Now)
	cfg.UserKeys, cfg.TicketKey, cfg.TicketKeys = user.JWKS(), ticket.Private(), ticket.JWKS()
	cfg.Switches, cfg.Partitions, cfg.Now, cfg.Logger = w.cfg.Switches, w.cfg.Partitions, w.cfg.Now, w.cfg.Log
	cfg.Messages, cfg.Presences = []string{messageRPC}, []string{presenceRPC}
	cfg.Gateways = map[string]string{"gateway-1": gatewayRPC}
	cfg.GatewayPublic = map[string]string{"gateway-1": gatewayPublic}
	cfg.Network = w.network()
	return nil
}

func (w *World) startRole(ctx context.Context, base node.Config, role string) error {
	cfg := base
	cfg.Role, cfg.Name, cfg.Network = role, role+"-1", w.network()
	if role == node.Edge {
		cfg.PublicListen = w.cfg.EdgeListen
	}
	n, err := node.Start(ctx, cfg)
	if err != nil {
		return err
	}
	w.nodes = append(w.nodes, n)
	a := n.Addresses()
	w.names[role+"-1:7000"], w.names[role+"-1:8080"] = a.RPC, a.Public
	if role == node.Edge {
		w.EdgeURL = "http://" + a.Public
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
