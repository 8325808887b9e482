// Package gateway is the role that holds the devices' WebSockets, turns their frames into calls and pushes what fan-out workers deliver.
package gateway

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/status"

	"github.com/chatlab/chatlab/system/chat"
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
}

const (
	serving int32 = iota
	draining
	closed
)

// New makes a gateway and starts its two loops; Close ends them.
func New(cfg Config) (*Gateway, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("make gateway: %w", err)
	}
	g := &Gateway{cfg: cfg, started: time.Now(), leaving: make(chan struct{}, maxLeaves), stop: make(chan struct{})}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.buffers.New = func() any { return new(bytes.Buffer) }
	g.queues.New = func() any { return new(queue) }
	g.table.init()
	g.metrics = newMetrics(cfg.Metrics, &g.connections, &g.outbox)
	g.sweeper.init(cfg.Limits.Ping)
	g.refresher.init(cfg.Switches.HeartbeatBy == "gateway", cfg.PresenceTTL)
	g.work.Go(g.sweep)
	g.work.Go(g.refresh)
	return g, nil
}

// clock is the time since the gateway started, free of the wall clock's jumps.
func (g *Gateway) clock() time.Duration { return time.Since(g.started) }

// enter counts a connection in, unless the gateway takes no more.
func (g *Gateway) enter() *chat.Error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state.Load() != serving {
		return chat.Errorf(chat.CodeUnavailable, "gateway %s is being replaced: ask for another", g.cfg.Name).After(time.Second)
	}
	if g.connections.Load() >= int64(g.cfg.Limits.Connections) {
		return chat.Errorf(chat.CodeUnavailable, "gateway %s is full: ask for another", g.cfg.Name).After(time.Second)
	}
	g.connections.Add(1)
	g.work.Add(1)
	return nil
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

// Ready proves that the gateway reaches the services it stands for.
func (g *Gateway) Ready(ctx context.Context) error {
	if g.state.Load() != serving {
		return fmt.Errorf("gateway %s is draining", g.cfg.Name)
	}
	nobody := chat.ID{}
	_, err := g.cfg.MessagesFor(nobody).Heads(ctx, &pb.HeadsRequest{UserId: nobody[:]})
	if err == nil || refused(err) {
		return nil
	}
	if _, presenceErr := g.cfg.Presence.Online(ctx, &pb.OnlineRequest{}); presenceErr == nil || refused(presenceErr) {
		return nil
	}
	return fmt.Errorf("reach message service: %w", err)
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
