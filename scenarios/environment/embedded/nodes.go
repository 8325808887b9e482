package embedded

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"time"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/scenarios/environment/deployment"
	simredis "github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/wire"
)

// Limits is what this world cannot do.
func Limits() chaos.Limits {
	stores, shape := []string{"kafka-*", "cassandra-*", "redis-*"}, []string{"latency", "bandwidth", "refuse", "reset"}
	return chaos.Limits{World: "embedded", Refusals: []chaos.Refusal{
		{Verbs: []string{"cut"}, Names: []string{"kafka-*"}, Why: "the stand-ins of brokers share one log", Needs: "containers"},
		{Verbs: []string{"cut"}, Names: []string{"cassandra-*"}, Why: "the stand-ins of nodes call each other", Needs: "containers"},
		{Verbs: shape, Names: []string{"kafka-*"}, Why: "brokers reach each other without a relay"},
		{Verbs: shape, Names: []string{"cassandra-*"}, Why: "nodes reach each other without a relay"},
		{Verbs: []string{"memory"}, Names: stores, Why: "a server's memory is bounded when it is made, and a stand-in shares the lab's"},
		{Verbs: []string{"skew"}, Names: stores, Why: "a server has its machine's clock"},
		{Verbs: []string{"evict"}, Names: []string{"kafka-*", "cassandra-*"}, Why: "only a Redis evicts"},
	}}
}

// Limits is what this world cannot do.
func (s *stores) Limits() chaos.Limits { return Limits() }

// server is a stand-in as faults see it.
type server struct {
	kill, stop, start, freeze, thaw func() error
	probe                           func(context.Context) error
}

func (s *stores) server(name string) (server, error) {
	bind := func(do func(string) error) func() error { return func() error { return do(name) } }
	if r := s.redis(name); r != nil {
		kill := func() error { return r.Kill(true) } // the system's Redis keeps nothing on disk
		return server{
			kill: kill, stop: kill, start: r.Restart, freeze: quietly(r.Freeze), thaw: quietly(r.Thaw),
			probe: func(ctx context.Context) error { return s.probeRedis(ctx, name) },
		}, nil
	}
	for _, e := range s.Endpoints() {
		switch {
		case e.Name != name:
		case e.Store == deployment.Log:
			return server{
				kill: bind(s.log.Kill), stop: bind(s.log.Stop), start: bind(s.log.Restart), freeze: bind(s.log.Freeze), thaw: bind(s.log.Thaw),
				probe: func(ctx context.Context) error { return s.probeBroker(ctx, e.Announced) },
			}, nil
		case e.Store == deployment.Tables:
			return server{
				kill: bind(s.tables.Stop), stop: bind(s.tables.Stop), start: bind(s.tables.Start), freeze: bind(s.tables.Freeze), thaw: bind(s.tables.Thaw),
				probe: func(ctx context.Context) error { return s.probeNode(ctx, e.Announced) },
			}, nil
		}
	}
	return server{}, fmt.Errorf("there is no server %q", name)
}

func quietly(do func()) func() error { return func() error { do(); return nil } }

func (s *stores) redis(name string) *simredis.Server {
	return map[string]*simredis.Server{deployment.CacheName: s.cache, deployment.PresenceName: s.presence}[name]
}

// Kill ends a stand-in at once.
func (s *stores) Kill(_ context.Context, name string) error {
	v, err := s.server(name)
	if err != nil {
		return err
	}
	return v.kill()
}

// Stop ends one in order.
func (s *stores) Stop(_ context.Context, name string) error {
	v, err := s.server(name)
	if err != nil {
		return err
	}
	return v.stop()
}

// Start brings one back.
func (s *stores) Start(_ context.Context, name string) error {
	v, err := s.server(name)
	if err != nil {
		return err
	}
	return v.start()
}

// Freeze makes one accept and never answer.
func (s *stores) Freeze(_ context.Context, name string) error {
	v, err := s.server(name)
	if err != nil {
		return err
	}
	return v.freeze()
}

// Thaw lets one go on.
func (s *stores) Thaw(_ context.Context, name string) error {
	v, err := s.server(name)
	if err != nil {
		return err
	}
	return v.thaw()
}

// Evict drops a share of a Redis's keys.
func (s *stores) Evict(_ context.Context, name string, percent int) error {
	r := s.redis(name)
	if r == nil {
		return fmt.Errorf("there is no Redis %q", name)
	}
	r.Evict(percent)
	return nil
}

// Wires are none: stand-ins reach each other without a network.
func (s *stores) Wires(string, string) []chaos.Wire { return nil }

// Probe asks one for something that it can only answer if it works.
func (s *stores) Probe(ctx context.Context, name string) error {
	v, err := s.server(name)
	if err != nil {
		return err
	}
	if err := v.probe(ctx); err != nil {
		return fmt.Errorf("%s does not work: %w", name, err)
	}
	return nil
}

// Ready returns nil when all of them work.
func (s *stores) Ready(ctx context.Context) error {
	var all errgroup.Group
	for _, e := range s.Endpoints() {
		all.Go(func() error { return s.Probe(ctx, e.Name) })
	}
	return all.Wait()
}

// probeBroker asks one broker who leads, and a leader for what it holds.
func (s *stores) probeBroker(ctx context.Context, announced string) error {
	c := kafka.NewClient(kafka.Config{Brokers: []string{announced}, ClientID: "probe", Network: deployment.Direct(s)})
	defer c.Close()
	_, err := c.EndOffsets(ctx, wire.TopicMessages, []int{0})
	return err
}

func (s *stores) probeRedis(ctx context.Context, name string) error {
	c := redis.NewClient(redis.Config{Address: name + ":6379", Network: deployment.Direct(s)})
	defer c.Close()
	return c.Ping(ctx)
}

// probeNode asks one node, and no other, who it is.
func (s *stores) probeNode(ctx context.Context, announced string) error {
	cfg := gocql.NewCluster(announced)
	cfg.ProtoVersion, cfg.NumConns, cfg.DisableInitialHostLookup = 4, 1, true
	cfg.Timeout, cfg.ConnectTimeout = time.Second, time.Second
	cfg.Dialer, cfg.Logger = direct{s}, log.New(io.Discard, "", 0)
	session, err := cfg.CreateSession()
	if err != nil {
		return err
	}
	defer session.Close()
	return session.Query(`SELECT key FROM system.local`).WithContext(ctx).Exec()
}

type direct struct{ stores *stores }

// DialContext is what the driver calls.
func (d direct) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return deployment.Direct(d.stores).DialFunc(ctx, network, address)
}
