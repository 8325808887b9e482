package node

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

func (c Config) cassandra() cassandra.Config {
	return cassandra.Config{Hosts: c.Cassandra, Keyspace: c.Keyspace, Replicas: c.RowReplicas, Network: c.Network, Log: c.Logger, Pace: c.Pace,
		DriverDefaults: c.Switches.DriverDefaults}
}

func (c Config) kafka() kafka.Config {
	return kafka.Config{Brokers: c.Kafka, ClientID: c.Name, Network: c.Network, Log: c.Logger, Pace: c.Pace,
		DriverDefaults: c.Switches.DriverDefaults, LeaderAcks: c.Switches.Acks == chat.AcksLeader}
}

// openStore waits for Cassandra: a pod that starts before its store is no error.
func (n *Node) openStore(ctx context.Context) (*cassandra.Store, error) {
	b := backoff.NewExponentialBackOff()
	policy := resilience.OpenRows.Policy()
	b.InitialInterval, b.MaxInterval = policy.Backoff.First, policy.Backoff.Max
	cfg := n.cfg.cassandra()
	cfg.Counts = cassandra.NewCounts(n.registry, transport.CallOf)
	s, err := backoff.Retry(ctx, func() (*cassandra.Store, error) { return cassandra.Open(cfg) },
		backoff.WithBackOff(b), backoff.WithMaxElapsedTime(policy.Overall),
		backoff.WithNotify(func(err error, d time.Duration) { n.cfg.Logger.Info("wait for cassandra", "error", err, "retry_in", d) }))
	if err != nil {
		return nil, err
	}
	n.onClose(s.Close)
	return s, nil
}
