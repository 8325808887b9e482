package fanout

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	simredis "github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// sockets is a gateway that knows who is connected to it.
type sockets struct {
	pb.UnimplementedGatewayServer
	at     string
	users  map[chat.ID]bool
	calls  atomic.Int64
	frozen atomic.Bool
}

func (s *sockets) Connected(ctx context.Context, req *pb.ConnectedRequest) (*pb.ConnectedResponse, error) {
	s.calls.Add(1)
	if s.frozen.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	res, users := &pb.ConnectedResponse{}, req.Users
	for ; len(users) > 0; users = users[16:] {
		if s.users[chat.ID(users[:16])] {
			res.Users = append(res.Users, users[:16]...)
		}
	}
	return res, nil
}

func startSockets(t *testing.T, users ...chat.ID) *sockets {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &sockets{at: l.Addr().String(), users: map[chat.ID]bool{}}
	for _, u := range users {
		s.users[u] = true
	}
	server, done := grpc.NewServer(), make(chan struct{})
	pb.RegisterGatewayServer(server, s)
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Stop(); <-done })
	return s
}

// routing is the routes of a worker over a Redis that can be killed, and two gateways.
type routing struct {
	*routes
	presence *redis.Presence
	store    *simredis.Server
	gateways map[string]*sockets
	metrics  metrics
}

var alice, bob, carol = chat.ID{1}, chat.ID{2}, chat.ID{3} // bob has moved from g1 to g2, as presence does not know yet

func newRouting(t *testing.T, fallback, breaker bool) *routing {
	r := &routing{gateways: map[string]*sockets{"g1": startSockets(t, alice), "g2": startSockets(t, alice, bob)}}
	var err error
	r.store, err = simredis.New(simredis.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.store.Close()) })
	client := redis.NewClient(redis.Config{Address: r.store.Addr()})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	r.presence = redis.NewPresence(client, 0)
	for i, d := range []redis.Device{{User: alice, Name: "phone", Gateway: "g1"}, {User: alice, Name: "laptop", Gateway: "g2"}, {User: bob, Name: "phone", Gateway: "g1"}} {
		d.Epoch = int64(i + 1)
		_, err := r.presence.Announce(t.Context(), d)
		require.NoError(t, err)
	}
	cfg := Config{
		Switches: chat.Switches{Fallback: fallback, Breaker: breaker}, Presence: r.presence, Logger: slog.New(slog.DiscardHandler),
		Gateways: map[string]string{"g1": r.gateways["g1"].at, "g2": r.gateways["g2"].at},
	}
	r.metrics = newMetrics(prometheus.NewRegistry())
	outlets, err := newOutlets(cfg, r.metrics)
	require.NoError(t, err)
	r.routes = newRoutes(cfg, outlets, r.metrics)
	t.Cleanup(outlets.close)
	t.Cleanup(r.close)
	return r
}

func value(t *testing.T, m prometheus.Metric) float64 {
	var d dto.Metric
	require.NoError(t, m.Write(&d))
	return d.Counter.GetValue() + d.Gauge.GetValue()
}

// where looks all three users up, past what is remembered.
func (r *routing) where(t *testing.T) map[string][]byte {
	r.mu.Lock()
	for u, known := range r.known {
		known.until = time.Time{}
		r.known[u] = known
	}
	r.mu.Unlock()
	return r.byGateway(t.Context(), []chat.ID{alice, bob, carol})
}

func TestWhoIsFoundWhenPresenceIsAway(t *testing.T) {
	t.Parallel()
	inPresence := map[string][]byte{"g1": wire.IDBytes(alice, bob), "g2": wire.IDBytes(alice)}
	connected := map[string][]byte{"g1": wire.IDBytes(alice), "g2": wire.IDBytes(alice, bob)}
	for name, c := range map[string]struct {
		fallback, breaker bool
		away              map[string][]byte
	}{
		"document":     {false, false, map[string][]byte{}},
		"breaker":      {false, true, map[string][]byte{}},
		"fallback":     {true, false, connected},
		"both, as new": {true, true, connected},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRouting(t, c.fallback, c.breaker)
			require.Equal(t, inPresence, r.where(t))
			require.Zero(t, r.gateways["g1"].calls.Load(), "nobody asks gateways while presence answers")
			require.NoError(t, r.store.Kill(false))
			for range 5 {
				require.Equal(t, c.away, r.where(t))
			}
			if c.fallback {
				require.EqualValues(t, 10, value(t, r.metrics.fallbackCalls.WithLabelValues("ok")))
			}
			require.NoError(t, r.store.Restart())
			require.Eventually(t, func() bool { return len(r.where(t)["g1"]) == 32 }, 5*time.Second, 50*time.Millisecond, "presence is asked again")
		})
	}
}

// A store that came back empty knows only who was told to it since: until it is older than the TTL the gateways are asked, too.
func TestAYoungStoreIsDoubted(t *testing.T) {
	r := newRouting(t, true, true)
	require.Equal(t, map[string][]byte{"g1": wire.IDBytes(alice, bob), "g2": wire.IDBytes(alice)}, r.where(t), "as in the document, what it says is the truth")
	r.doubt = true
	require.Equal(t, map[string][]byte{"g1": wire.IDBytes(alice, bob), "g2": wire.IDBytes(alice, bob)}, r.where(t))
	require.NoError(t, r.store.Close())
	require.Equal(t, map[string][]byte{"g1": wire.IDBytes(alice), "g2": wire.IDBytes(alice, bob)}, r.where(t))
}

func TestAnswersOfGatewaysAreTrustedForAWhile(t *testing.T) {
	r := newRouting(t, true, true)
	require.NoError(t, r.store.Kill(false))
	for range 100 {
		r.byGateway(t.Context(), []chat.ID{alice, bob, carol})
	}
	require.LessOrEqual(t, r.gateways["g1"].calls.Load(), int64(2))
}

// A frozen gateway costs the deadline, and keeps those whom it had.
func TestAFrozenGatewayKeepsItsUsers(t *testing.T) {
	r := newRouting(t, true, true)
	require.Equal(t, wire.IDBytes(alice, bob), r.where(t)["g1"])
	require.NoError(t, r.store.Kill(false))
	r.where(t) // opens connections
	r.gateways["g1"].frozen.Store(true)
	start := time.Now()
	found := r.where(t)
	require.Less(t, time.Since(start), resilience.FanoutConnected.Timeout()+2*resilience.FanoutLookup.Timeout())
	require.Equal(t, wire.IDBytes(alice), found["g1"], "as it said last")
	require.Equal(t, wire.IDBytes(alice, bob), found["g2"])
	require.EqualValues(t, 1, value(t, r.metrics.fallbackCalls.WithLabelValues("error")))
}

// A Redis that takes connections and never answers costs its timeout a few times; then a probe a second, in the
// background, and nobody waits.
func TestTheBreakerSparesTheTimeout(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var frozen sync.WaitGroup
	t.Cleanup(frozen.Wait)
	t.Cleanup(func() { l.Close() })
	frozen.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			frozen.Go(func() {
				defer c.Close()
				for _, err := c.Read(make([]byte, 1<<12)); err == nil; _, err = c.Read(make([]byte, 1<<12)) {
				}
			})
		}
	})
	client := redis.NewClient(redis.Config{Address: l.Addr().String()})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	meter := resilience.NewMeter(prometheus.NewRegistry())
	look := newLookup(redis.NewPresence(client, 0), chat.Switches{Breaker: true}, meter)
	t.Cleanup(look.close)
	for range resilience.FanoutLookup.Policy().Breaker.Failures {
		_, err := look.find(t.Context(), []chat.ID{alice})
		require.Error(t, err)
	}
	require.EqualValues(t, gobreaker.StateOpen, testutil.ToFloat64(meter.Breakers.WithLabelValues(resilience.FanoutLookup.Policy().Name, "redis")))
	var slowest time.Duration
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
		start := time.Now()
		_, err := look.find(t.Context(), []chat.ID{alice})
		require.ErrorIs(t, err, errPresenceAway)
		slowest = max(slowest, time.Since(start))
		<-time.After(5 * time.Millisecond)
	}
	require.Less(t, slowest, 100*time.Millisecond)
}
