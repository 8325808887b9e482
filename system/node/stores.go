package node

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/wire"
)

func (c Config) cassandra() cassandra.Config {
	return cassandra.Config{Hosts: c.Cassandra, Keyspace: c.Keyspace, Replicas: c.RowReplicas, Network: c.Network, Log: c.Logger, Pace: c.Pace}
}

func (c Config) kafka() kafka.Config {
	return kafka.Config{Brokers: c.Kafka, ClientID: c.Name, Network: c.Network, Log: c.Logger, Pace: c.Pace}
}

// openStore waits for Cassandra: a pod that starts before its store is no error.
func (n *Node) openStore(ctx context.Context) (*cassandra.Store, error) {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 100*time.Millisecond, 2*time.Second
	s, err := backoff.Retry(ctx, func() (*cassandra.Store, error) { return cassandra.Open(n.cfg.cassandra()) },
		backoff.WithBackOff(b), backoff.WithMaxElapsedTime(time.Minute),
		backoff.WithNotify(func(err error, d time.Duration) { n.cfg.Logger.Info("wait for cassandra", "error", err, "retry_in", d) }))
	if err != nil {
		return nil, err
	}
	n.onClose(s.Close)
	return s, nil
}

// Migrate makes what the stores need before the roles start: keyspace, tables and topics. It may be repeated.
func Migrate(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	if err := cassandra.Migrate(ctx, cfg.cassandra()); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	log := kafka.NewClient(cfg.kafka())
	defer log.Close()
	for _, t := range cfg.topics() {
		if err := log.CreateTopic(ctx, t); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	return nil
}

const day = 24 * time.Hour

// topics are what the log must have. Messages are kept well above the document's 24 h, because the log holds them until
// they are stored; dead letters until somebody has looked at them.
func (c Config) topics() []kafka.Topic {
	partitions := wire.Topics(c.Partitions)
	make := func(name string, retention time.Duration, maxBytes int) kafka.Topic {
		return kafka.Topic{Name: name, Partitions: partitions[name], Replicas: c.LogReplicas, Retention: retention, MaxBytes: maxBytes}
	}
	return []kafka.Topic{
		make(wire.TopicMessages, 7*day, 0),
		make(wire.TopicReceipts, day, 0),
		make(wire.TopicDeadLetters, 30*day, deadletter.MaxBytes),
	}
}
