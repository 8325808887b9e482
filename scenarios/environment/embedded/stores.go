package embedded

import (
	"context"
	"fmt"
	"log/slog"

	simcassandra "github.com/chatlab/chatlab/sim/cassandra"
	simkafka "github.com/chatlab/chatlab/sim/kafka"
	simpush "github.com/chatlab/chatlab/sim/push"
	simredis "github.com/chatlab/chatlab/sim/redis"

	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

const keyspace = "chat"

// stores are the stand-ins, all in this process.
type stores struct {
	log      *simkafka.Cluster
	tables   *simcassandra.Cluster
	cache    *simredis.Server
	presence *simredis.Server
	push     *simpush.Server // nil: nobody is notified
}

// endpoint is one address at which a store can be reached.
type endpoint struct {
	name      string // of the broker or node, as faults call it
	announced string // as drivers dial it
	address   string // where it is
	usedBy    func(role string) bool
}

func startStores(ctx context.Context, partitions int, log *slog.Logger) (*stores, error) {
	s := &stores{}
	var err error
	if s.log, err = simkafka.Start(simkafka.Config{Topics: wire.Topics(partitions)}); err != nil {
		return nil, fmt.Errorf("start log: %w", err)
	}
	if s.tables, err = simcassandra.New(simcassandra.Config{Log: log}); err != nil {
		s.close()
		return nil, fmt.Errorf("start tables: %w", err)
	}
	for _, r := range []struct {
		name string
		into **simredis.Server
	}{{redisCache, &s.cache}, {redisPresence, &s.presence}} {
		if *r.into, err = simredis.New(simredis.Config{Log: log}); err != nil {
			s.close()
			return nil, fmt.Errorf("start %s: %w", r.name, err)
		}
	}
	if err := s.migrate(ctx, partitions); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stores) migrate(ctx context.Context, partitions int) error {
	return node.Migrate(ctx, node.Config{
		Kafka: s.brokers(), Partitions: partitions, Cassandra: s.contactPoints(), Keyspace: keyspace, Network: s.direct(),
	})
}

// direct is the lab's own way to the stores, past every relay: what it reads is no part of what it breaks.
func (s *stores) direct() transport.Network {
	names := map[string]string{}
	for _, e := range s.endpoints() {
		names[e.announced] = e.address
	}
	return transport.Network{Names: names}
}

func (s *stores) endpoints() []endpoint {
	out := []endpoint{
		{redisCache, fmt.Sprintf("%s:%d", redisCache, redisPort), s.cache.Addr(), usesCache},
		{redisPresence, fmt.Sprintf("%s:%d", redisPresence, redisPort), s.presence.Addr(), usesPresence},
	}
	if s.push != nil {
		out = append(out, endpoint{pushProviders, fmt.Sprintf("%s:%d", pushProviders, pushPort), s.push.Addr(), usesProviders})
	}
	for _, b := range s.log.Brokers() {
		out = append(out, endpoint{b.Name, b.Announced, b.Address, usesLog})
	}
	hosts := s.tables.Hosts()
	for i, name := range s.tables.Names() {
		out = append(out, endpoint{name, hosts[i], s.tables.Addr(name), usesTables})
	}
	return out
}

func (s *stores) brokers() (out []string) {
	for _, b := range s.log.Brokers() {
		out = append(out, b.Announced)
	}
	return out
}

func (s *stores) contactPoints() []string { return s.tables.Hosts() }

func (s *stores) close() {
	if s.log != nil {
		_ = s.log.Close()
	}
	if s.tables != nil {
		s.tables.Close()
	}
	if s.push != nil {
		_ = s.push.Close()
	}
	for _, r := range []*simredis.Server{s.cache, s.presence} {
		if r != nil {
			_ = r.Close()
		}
	}
}
