// Package fanout is the role that gives each message its place, stores it, finds who is online and pushes to their gateways.
package fanout

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/readiness"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// Config is what the role needs.
type Config struct {
	Switches chat.Switches
	Name     string // of the pod
	Log      *kafka.Client
	Store    *cassandra.Store
	Cache    *redis.Cache
	Reads    *redis.Reads
	Presence *redis.Presence
	Gateways map[string]string // gRPC address by gateway name
	Network  transport.Network
	Now      func() time.Time
	Logger   *slog.Logger
	Metrics  prometheus.Registerer
	// Session is how long the group waits for a silent worker before another takes its partitions.
	Session time.Duration
}

// routeTTL is how long a worker trusts where a user is, and a conversation what it took over of that: both together are
// what devices count on.
const routeTTL = chat.RouteTTL / 2

// Worker is one member of the fan-out group.
type Worker struct {
	cfg     Config
	outlets *outlets
	routes  *routes
	letters desks
	metrics metrics
	group   *kafka.Group
}

// New makes the role.
func New(cfg Config) (*Worker, error) {
	w := &Worker{cfg: cfg, metrics: newMetrics(cfg.Metrics)}
	var err error
	if w.outlets, err = newOutlets(cfg, w.metrics); err != nil {
		return nil, fmt.Errorf("connect to gateways: %w", err)
	}
	w.letters = newDesks(cfg)
	w.routes = newRoutes(cfg, w.outlets, w.metrics)
	w.group = &kafka.Group{
		Client: cfg.Log, ID: wire.GroupFanout, Topic: wire.TopicMessages, Session: cfg.Session, Handle: w.runBatched, Observe: w.metrics.observe,
	}
	if cfg.Switches.WritePath == chat.WriteNaive {
		w.group.Handle = w.runNaive
	}
	return w, nil
}

// Run works until ctx ends.
func (w *Worker) Run(ctx context.Context) error {
	defer w.letters.close()
	defer w.outlets.close()
	defer w.routes.close()
	if !w.cfg.Switches.Receipts {
		return w.group.Run(ctx)
	}
	receipts := &kafka.Group{Client: w.cfg.Log, ID: wire.GroupReceipts, Topic: wire.TopicReceipts, Session: w.cfg.Session, Handle: w.runReceipts}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.group.Run(ctx) })
	g.Go(func() error { return receipts.Run(ctx) })
	return g.Wait()
}

// Depends are the log, the worker's place in its group and a quorum of storage. A member without partitions is ready too:
// it is there for when another dies. Without presence gateways are asked, if the fallback is on.
func (w *Worker) Depends() readiness.Dependencies {
	return readiness.Dependencies{
		readiness.Kafka(func(ctx context.Context) error { return w.cfg.Log.Ready(ctx, wire.TopicMessages) }),
		readiness.Group(w.group.Ready),
		readiness.Cassandra(w.cfg.Store.Ready),
		readiness.Cache(w.cfg.Cache.Ready),
		readiness.PresenceStore(w.cfg.Presence.Ready).If(!w.cfg.Switches.Fallback),
	}
}
