package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/limit"
	"github.com/chatlab/chatlab/system/readiness"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// DefaultRequestsPerSecond is the cap on all requests of one edge (document).
const DefaultRequestsPerSecond = 70_000

// Gateway is one that devices can be sent to.
type Gateway struct {
	Name   string
	RPC    string // address for its Status
	Public string // address that devices are told
	URL    string // where they open a socket; ws://Public/ws when empty
}

// Config is what the role needs. What is left at zero takes the value that its comment names.
type Config struct {
	Network  transport.Network
	Gateways []Gateway
	Messages []string // gRPC addresses
	Presence []string // gRPC addresses

	Users   *token.Verifier
	Tickets *token.Issuer

	Heartbeat         time.Duration // what devices are told; 30 s
	Poll              time.Duration // between two looks at a gateway; 1 s
	RequestsPerSecond float64       // DefaultRequestsPerSecond
	Sends             *limit.Users  // limit.Sends
	// Admit takes a request of an address before anything is known of who asks. Nil: all.
	Admit func(*http.Request) *chat.Error

	Now     func() time.Time // wall clock: server_time, epochs and tickets; time.Now
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

func (c Config) withDefaults() (Config, error) {
	if c.Users == nil || c.Tickets == nil || len(c.Messages) == 0 || len(c.Presence) == 0 {
		return c, errors.New("make edge: it needs a verifier, an issuer, message pods and presence pods")
	}
	for i := range c.Gateways {
		g := &c.Gateways[i]
		if g.URL == "" {
			g.URL = "ws://" + g.Public + "/ws"
		}
		if g.Name == "" || g.RPC == "" || g.Public == "" {
			return c, fmt.Errorf("make edge: gateway %q needs a name, an address for calls and one that devices are told", g.Name)
		}
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = 30 * time.Second
	}
	if c.Poll == 0 {
		c.Poll = pollEvery
	}
	if c.RequestsPerSecond == 0 {
		c.RequestsPerSecond = DefaultRequestsPerSecond
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Admit == nil {
		c.Admit = func(*http.Request) *chat.Error { return nil }
	}
	if c.Sends == nil {
		c.Sends = limit.Sends(c.Now)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	return c, nil
}

// Edge is an http.Handler for all of /api/v1.
//
// The limits are this process's own: with N edges a user may ask N times as much. The gateways hold the same limit on
// sends, message pods hold it for all of them together, and the group's limit is held by one message pod.
type Edge struct {
	cfg      Config
	mux      *http.ServeMux
	cap      *rate.Limiter
	epochs   epochs
	messages *pods
	presence *pods
	gateways *gateways
	metrics  metrics

	stop     context.CancelFunc
	watching sync.WaitGroup
}

// New makes the role and begins to watch the gateways.
func New(cfg Config) (*Edge, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Edge{cfg: cfg, stop: func() {}}
	e.cap = rate.NewLimiter(rate.Limit(cfg.RequestsPerSecond), max(1, int(cfg.RequestsPerSecond/10)))
	if err := e.connect(); err != nil {
		e.Close()
		return nil, fmt.Errorf("make edge: %w", err)
	}
	e.mux = e.routes()
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = cancel
	e.gateways.watch(ctx, &e.watching)
	return e, nil
}

func (e *Edge) connect() (err error) {
	if e.metrics, err = newMetrics(e.cfg.Metrics); err != nil {
		return err
	}
	meter := resilience.NewMeter(e.cfg.Metrics)
	if e.messages, err = newPods(e.cfg.Network, "message", e.cfg.Messages, meter); err != nil {
		return err
	}
	if e.presence, err = newPods(e.cfg.Network, "presence", e.cfg.Presence, meter); err != nil {
		return err
	}
	e.gateways, err = newGateways(e.cfg)
	return err
}

// Close ends the watch and the connections.
func (e *Edge) Close() {
	e.stop()
	e.watching.Wait()
	e.messages.close()
	e.presence.close()
	e.gateways.close()
}

// Depends are a gateway to assign and a message pod that answers; one that refuses is there, and devices are told what it
// said. Without presence only questions about presence fail.
func (e *Edge) Depends() readiness.Dependencies {
	nobody := chat.NewID() // reads for a user that nobody is answer nothing, but they ask everything
	return readiness.Dependencies{
		readiness.Gateways(func(context.Context) error { return e.gateways.ready() }),
		readiness.Messages(func(ctx context.Context) error { return e.reachMessages(ctx, nobody) }),
		readiness.Presence(func(ctx context.Context) error {
			_, err := e.online(ctx, &pb.OnlineRequest{Users: wire.IDBytes(nobody)})
			return err
		}),
	}
}

// reachMessages is nil when a message pod has answered, whatever it said.
func (e *Edge) reachMessages(ctx context.Context, nobody chat.ID) error {
	req := &pb.ListConversationsRequest{UserId: nobody[:], Limit: 1}
	_, err := do(ctx, e.messages.any(repeatable), func(ctx context.Context, c *grpc.ClientConn, o grpc.CallOption) (*pb.ListConversationsResponse, error) {
		res, err := pb.NewMessagesClient(c).ListConversations(ctx, req, o)
		if err != nil && !silent(err) {
			return res, nil
		}
		return res, err
	})
	return err
}
