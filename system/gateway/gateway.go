// Package gateway is the role that holds the devices' WebSockets, turns their frames into calls and pushes what fan-out workers deliver.
package gateway

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/status"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/readiness"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// Gateway serves GET /ws and the gRPC service Gateway.
type Gateway struct {
	pb.UnimplementedGatewayServer
	cfg       Config
	metrics   metrics
	table     table
	sweeper   sweeper
	refresher refresher
	reporter  reporter
	typing    typing
	watches   watches
	leaving   chan struct{} // a slot for each Leave under way
	queues    sync.Pool     // *queue
	buffers   sync.Pool     // *bytes.Buffer, for a frame being read or frames being joined

	started     time.Time
	connections atomic.Int64 // upgrades under way and sessions
	outbox      atomic.Int64 // bytes that wait for sockets

	ctx    context.Context // of calls to other roles; ends with Close
	cancel context.CancelFunc
	stop   chan struct{} // closed when the loops end
	mu     sync.Mutex
	state  atomic.Int32 // written under mu
	work   sync.WaitGroup

	accepts  *rate.Limiter
	shedding atomic.Bool // near the memory limit
}

const (
	serving int32 = iota
	draining
	closed
)

// New makes a gateway and starts its loops; Close ends them.
func New(cfg Config) (*Gateway, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("make gateway: %w", err)
	}
	g := &Gateway{cfg: cfg, started: time.Now(), leaving: make(chan struct{}, maxLeaves), stop: make(chan struct{})}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.buffers.New = func() any { return new(bytes.Buffer) }
	g.queues.New = func() any { return new(queue) }
	g.accepts = rate.NewLimiter(rate.Limit(cfg.Limits.AcceptRate), max(1, int(cfg.Limits.AcceptRate)))
	g.table.init()
	g.metrics = newMetrics(cfg.Metrics, g)
	g.sweeper.init(cfg.Limits.Ping)
	g.refresher.init(cfg.Switches.HeartbeatBy == "gateway", cfg.PresenceTTL)
	g.reporter.init()
	g.typing.init()
	g.work.Go(g.report)
	g.work.Go(g.sweep)
	g.work.Go(g.refresh)
	g.watches.init(cfg.Metrics, cfg.Switches.Mutant)
	g.work.Go(g.watch)
	if cfg.Memory != nil && cfg.Switches.ShedAt > 0 {
		g.work.Go(g.watchMemory)
	}
	return g, nil
}

// clock is the time since the gateway started, free of the wall clock's jumps.
func (g *Gateway) clock() time.Duration { return time.Since(g.started) }

// enter counts a connection in, unless the gateway takes no more.
func (g *Gateway) enter() *chat.Error {
	g.mu.Lock()
	defer g.mu.Unlock()
	reason, e := g.refusal()
	if e != nil {
		g.metrics.refusals.WithLabelValues(reason).Inc()
		return e.After(time.Second)
	}
	g.connections.Add(1)
	g.work.Add(1)
	return nil
}

// refusal says why no connection is taken now. Unavailable sends a device elsewhere; too many at once is no reason to
// go and be too many there.
func (g *Gateway) refusal() (reason string, e *chat.Error) {
	switch {
	case g.state.Load() != serving:
		return "draining", chat.Errorf(chat.CodeUnavailable, "gateway %s is being replaced: ask for another", g.cfg.Name)
	case g.connections.Load() >= int64(g.cfg.Limits.Connections):
		return "full", chat.Errorf(chat.CodeUnavailable, "gateway %s is full: ask for another", g.cfg.Name)
	case g.shedding.Load():
		return "shedding", chat.Errorf(chat.CodeUnavailable, "gateway %s is short of memory: ask for another", g.cfg.Name)
	case !g.accepts.Allow():
		return "accept_rate", chat.Errorf(chat.CodeServerLimit, "too many connect to gateway %s at once", g.cfg.Name)
	}
	return "", nil
}

func (g *Gateway) leave() {
	g.connections.Add(-1)
	g.work.Done()
}

// shut moves the gateway to a later state, and says whether it was in an earlier one.
func (g *Gateway) shut(state int32) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state.Load() >= state {
		return false
	}
	g.state.Store(state)
	return true
}

// Depends is a message pod, without which a gateway can neither take nor catch up on messages; one that refuses is there.
// Presence away is no reason to take no sockets: they work.
func (g *Gateway) Depends() readiness.Dependencies {
	return readiness.Dependencies{
		{Name: "drain", Ask: g.drains, Advice: "it takes no more devices and ends, or is ended"},
		readiness.Messages(func(ctx context.Context) error {
			nobody := chat.NewID() // another one each time: no single pod decides
			if _, err := g.cfg.MessagesFor(nobody).Heads(ctx, &pb.HeadsRequest{UserId: nobody[:]}); err != nil && !refused(err) {
				return err
			}
			return nil
		}),
		readiness.Presence(func(ctx context.Context) error {
			nobody := chat.NewID()
			_, err := g.cfg.Presence.Online(ctx, &pb.OnlineRequest{Users: wire.IDBytes(nobody)})
			return err
		}),
	}
}

func (g *Gateway) drains(context.Context) error {
	if g.state.Load() != serving {
		return fmt.Errorf("gateway %s is draining", g.cfg.Name)
	}
	return nil
}

// refused says that an error is the other side's answer, not the lack of one.
func refused(err error) bool {
	st, ok := status.FromError(err)
	if !ok {
		return false
	}
	for _, d := range st.Details() {
		if _, ok := d.(*pb.Refusal); ok {
			return true
		}
	}
	return false
}
