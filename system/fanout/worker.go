// Package fanout is the role that gives each message its place, stores it, finds who is online and pushes to their gateways.
package fanout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
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
	joined  atomic.Bool
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
	return w, nil
}

// Run works until ctx ends.
func (w *Worker) Run(ctx context.Context) error {
	handle := w.runBatched
	if w.cfg.Switches.WritePath == chat.WriteNaive {
		handle = w.runNaive
	}
	group := &kafka.Group{
		Client: w.cfg.Log, ID: wire.GroupFanout, Topic: wire.TopicMessages, Session: w.cfg.Session,
		Handle: handle, Observe: w.metrics.observeLag, Oldest: w.metrics.observeOldest, Held: w.held,
	}
	defer w.letters.close()
	defer w.outlets.close()
	defer w.routes.close()
	if !w.cfg.Switches.Receipts {
		return group.Run(ctx)
	}
	receipts := &kafka.Group{Client: w.cfg.Log, ID: wire.GroupReceipts, Topic: wire.TopicReceipts, Session: w.cfg.Session, Handle: w.runReceipts}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return group.Run(ctx) })
	g.Go(func() error { return receipts.Run(ctx) })
	return g.Wait()
}

// Ready proves the data path: the log's leaders answer, storage answers a quorum read and presence a lookup, and the
// worker is a member of its group. A member without partitions is ready too: it is there for when another dies. With
// the fallback a worker does its work without presence.
func (w *Worker) Ready(ctx context.Context) error {
	if !w.joined.Load() {
		return errors.New("not yet a member of the fan-out group")
	}
	if err := w.cfg.Log.Ready(ctx, wire.TopicMessages); err != nil {
		return err
	}
	if err := w.cfg.Store.Ready(ctx); err != nil || w.cfg.Switches.Fallback {
		return err
	}
	_, err := w.cfg.Presence.Lookup(ctx, []chat.ID{{}})
	return err
}

// held is told with each generation of the group, and with 0 at its end.
func (w *Worker) held(partitions int) {
	w.joined.Store(true)
	w.metrics.observeHeld(partitions)
}
