package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/deployment"
	simcassandra "github.com/chatlab/chatlab/sim/cassandra"
	simkafka "github.com/chatlab/chatlab/sim/kafka"
	simredis "github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/system/wire"
)

// stores are the stand-ins, all in this process.
type stores struct {
	log      *simkafka.Cluster
	tables   *simcassandra.Cluster
	cache    *simredis.Server
	presence *simredis.Server
}

func startStores(ctx context.Context, partitions int, log *slog.Logger) (*stores, error) {
	s := &stores{}
	if err := s.start(ctx, partitions, log); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *stores) start(ctx context.Context, partitions int, log *slog.Logger) (err error) {
	if s.log, err = simkafka.Start(simkafka.Config{Topics: wire.Topics(partitions)}); err != nil {
		return fmt.Errorf("start log: %w", err)
	}
	if s.tables, err = simcassandra.New(simcassandra.Config{Log: log}); err != nil {
		return fmt.Errorf("start tables: %w", err)
	}
	if s.cache, err = simredis.New(simredis.Config{Log: log}); err != nil {
		return fmt.Errorf("start cache: %w", err)
	}
	if s.presence, err = simredis.New(simredis.Config{Log: log}); err != nil {
		return fmt.Errorf("start presence: %w", err)
	}
	return deployment.Migrate(ctx, s, partitions)
}

// Endpoints lists where the stand-ins are.
func (s *stores) Endpoints() []deployment.Endpoint {
	redis := func(store deployment.Store, name string, r *simredis.Server) deployment.Endpoint {
		return deployment.Endpoint{Store: store, Name: name, Announced: name + ":6379", Address: r.Addr()}
	}
	out := []deployment.Endpoint{
		redis(deployment.Cache, deployment.CacheName, s.cache), redis(deployment.Presence, deployment.PresenceName, s.presence),
	}
	for _, b := range s.log.Brokers() {
		out = append(out, deployment.Endpoint{Store: deployment.Log, Name: b.Name, Announced: b.Announced, Address: b.Address})
	}
	hosts := s.tables.Hosts()
	for i, name := range s.tables.Names() {
		out = append(out, deployment.Endpoint{Store: deployment.Tables, Name: name, Announced: hosts[i], Address: s.tables.Addr(name)})
	}
	return out
}

// Usage is empty: the lab's own holds theirs.
func (s *stores) Usage(context.Context) []scenarios.Usage { return nil }

// Close ends the stand-ins.
func (s *stores) Close() error {
	var failed []error
	if s.log != nil {
		failed = append(failed, s.log.Close())
	}
	if s.tables != nil {
		s.tables.Close()
	}
	for _, r := range []*simredis.Server{s.cache, s.presence} {
		if r != nil {
			failed = append(failed, r.Close())
		}
	}
	return errors.Join(failed...)
}
