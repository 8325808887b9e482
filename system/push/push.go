// Package push is the role that notifies, through FCM and APNs, the devices of members whom a message has not reached.
package push

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/readiness"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// Config is what the role needs.
type Config struct {
	Switches  chat.Switches
	Name      string // of the pod
	Log       *kafka.Client
	Store     *cassandra.Store
	Presence  *redis.Presence
	Providers Providers
	Network   transport.Network
	Now       func() time.Time
	Logger    *slog.Logger
	Metrics   prometheus.Registerer
	// Session is how long the group waits for a silent pod before another takes its partitions.
	Session time.Duration
	// Pace is how often the log is asked how far the fan-out group has come, while there is something to wait for.
	Pace time.Duration
	// PresenceTTL is how long a user looks online after the last sign of life.
	PresenceTTL time.Duration
}

// Role is one member of the push group.
type Role struct {
	cfg     Config
	times   times
	gate    *gate
	outlets map[string]*outlet // by provider
	jobs    chan struct{}      // slots of notifications under way
	letters *deadletter.Desk
	metrics metrics
	group   *kafka.Group
}

// maxJobs bounds the users of whom notifications are under way in one pod.
const maxJobs = 256

// New makes the role. Credentials that cannot be read are an error; providers that do not answer are none.
func New(cfg Config) (*Role, error) {
	r := &Role{
		cfg: cfg, times: timesFor(cfg.PresenceTTL), metrics: newMetrics(cfg.Metrics),
		jobs: make(chan struct{}, maxJobs), outlets: map[string]*outlet{},
	}
	r.gate = newGate(cfg.Pace, func(ctx context.Context, partitions []int) (map[int]int64, error) {
		return cfg.Log.Committed(ctx, wire.GroupFanout, wire.TopicMessages, partitions)
	})
	providers, err := cfg.Providers.open(cfg.Network, cfg.Now)
	if err != nil {
		return nil, fmt.Errorf("make push role: %w", err)
	}
	for _, p := range providers {
		r.outlets[p.name()] = newOutlet(p, r.metrics)
	}
	r.letters = deadletter.NewDesk(deadletter.Config{Log: cfg.Log, Group: wire.GroupPush, Pod: cfg.Name, Logger: cfg.Logger, Metrics: cfg.Metrics})
	r.group = &kafka.Group{
		Client: cfg.Log, ID: wire.GroupPush, Topic: wire.TopicMessages, Session: cfg.Session,
		Handle: r.handle, Observe: r.metrics.observe, Before: wire.GroupFanout,
	}
	return r, nil
}

// Run works until ctx ends.
func (r *Role) Run(ctx context.Context) error {
	defer func() {
		_ = r.letters.Close()
		for _, o := range r.outlets {
			o.provider.close()
		}
	}()
	return r.group.Run(ctx)
}

// Depends are the log, the pod's place in its group and a quorum of storage. While presence is away everybody looks online
// and receipts decide later; while a provider is away its notifications wait.
func (r *Role) Depends() readiness.Dependencies {
	return readiness.Dependencies{
		readiness.Kafka(func(ctx context.Context) error { return r.cfg.Log.Ready(ctx, wire.TopicMessages) }),
		readiness.Group(r.group.Ready),
		readiness.Cassandra(r.cfg.Store.Ready),
		readiness.PresenceStore(r.cfg.Presence.Ready).If(false),
	}
}
