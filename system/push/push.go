// Package push is the role that notifies, through FCM and APNs, the devices of members whom a message has not reached.
package push

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
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
	joined  atomic.Bool
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
	return r, nil
}

// Run works until ctx ends.
func (r *Role) Run(ctx context.Context) error {
	group := &kafka.Group{
		Client: r.cfg.Log, ID: wire.GroupPush, Topic: wire.TopicMessages, Session: r.cfg.Session,
		Handle: r.handle, Observe: r.metrics.observeLag, Held: func(int) { r.joined.Store(true) },
	}
	defer func() {
		_ = r.letters.Close()
		for _, o := range r.outlets {
			o.provider.close()
		}
	}()
	return group.Run(ctx)
}

// Ready proves the data path: the log's leaders answer, storage answers a quorum read and presence a lookup, and the
// pod is a member of its group. Providers are no part of it: while one is away its notifications wait.
func (r *Role) Ready(ctx context.Context) error {
	if !r.joined.Load() {
		return errors.New("not yet a member of the push group")
	}
	if err := r.cfg.Log.Ready(ctx, wire.TopicMessages); err != nil {
		return err
	}
	if err := r.cfg.Store.Ready(ctx); err != nil {
		return err
	}
	_, err := r.cfg.Presence.Lookup(ctx, []chat.ID{{}})
	return err
}
