package presence

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// pod counts its calls and answers as told.
type pod struct {
	pb.UnimplementedPresencesServer
	server *grpc.Server
	at     string
	calls  atomic.Int64
	do     func(ctx context.Context) error
}

func (p *pod) Online(ctx context.Context, _ *pb.OnlineRequest) (*pb.OnlineResponse, error) {
	p.calls.Add(1)
	return &pb.OnlineResponse{}, p.do(ctx)
}

func startPods(t *testing.T, n int) (pods []*pod, client pb.PresencesClient) {
	var addresses []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		p := &pod{server: transport.Network{}.Server(), at: l.Addr().String(), do: func(context.Context) error { return nil }}
		pb.RegisterPresencesServer(p.server, p)
		done := make(chan struct{})
		go func() { defer close(done); _ = p.server.Serve(l) }()
		t.Cleanup(func() { p.server.Stop(); <-done })
		pods, addresses = append(pods, p), append(addresses, p.at)
	}
	conn, err := Dial(transport.Network{}, addresses, resilience.NewMeter(prometheus.NewRegistry()))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return pods, pb.NewPresencesClient(conn)
}

func TestPodsTakeTurns(t *testing.T) {
	pods, client := startPods(t, 3)
	for range 30 {
		_, err := client.Online(t.Context(), &pb.OnlineRequest{})
		require.NoError(t, err)
	}
	for _, p := range pods {
		require.EqualValues(t, 10, p.calls.Load())
	}
}

func TestACallIsRepeatedOnceOnAnotherPod(t *testing.T) {
	for name, c := range map[string]struct {
		do       func(ctx context.Context) error
		attempts int64
		code     chat.Code
	}{
		"no store":  {func(context.Context) error { return chat.Errorf(chat.CodeUnavailable, "no store") }, 2, chat.CodeUnavailable},
		"frozen":    {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 2, chat.CodeUnknownOutcome},
		"a refusal": {func(context.Context) error { return chat.Errorf(chat.CodeBadRequest, "no") }, 1, chat.CodeBadRequest},
		"a bug":     {func(context.Context) error { return errors.New("bug") }, 1, chat.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			pods, client := startPods(t, 3)
			for _, p := range pods {
				p.do = c.do
			}
			ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
			defer cancel()
			_, err := client.Online(ctx, &pb.OnlineRequest{})
			require.Equal(t, c.code, transport.Refusal(err).Code)
			require.Equal(t, c.attempts, pods[0].calls.Load()+pods[1].calls.Load()+pods[2].calls.Load())
		})
	}
}

// Retries stop when their budget is spent, and both are shown.
func TestRetriesHaveABudget(t *testing.T) {
	pods, _ := startPods(t, 2)
	for _, p := range pods {
		p.do = func(context.Context) error { return chat.Errorf(chat.CodeUnavailable, "no store") }
	}
	meter := resilience.NewMeter(prometheus.NewRegistry())
	conn, err := Dial(transport.Network{}, []string{pods[0].at, pods[1].at}, meter)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	const calls = 200
	for range calls {
		_, err := pb.NewPresencesClient(conn).Online(t.Context(), &pb.OnlineRequest{})
		require.Equal(t, chat.CodeUnavailable, transport.Refusal(err).Code)
	}
	row := resilience.GatewayPresence.Policy()
	retries := testutil.ToFloat64(meter.Retries.WithLabelValues(row.Name, "presence"))
	require.InDelta(t, row.Retries*calls, retries, 10, "and what it began with")
	require.InDelta(t, calls+retries, pods[0].calls.Load()+pods[1].calls.Load(), 0)
	require.InDelta(t, calls-retries, testutil.ToFloat64(meter.Withheld.WithLabelValues(row.Name, "presence")), 0)
}

// One pod of two that is frozen, and then dead, costs no call its answer.
func TestADeadPodIsPassedOver(t *testing.T) {
	pods, client := startPods(t, 2)
	pods[0].do = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	ask := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.Online(ctx, &pb.OnlineRequest{})
		return err
	}
	for range 4 {
		require.NoError(t, ask())
	}
	pods[0].server.Stop()
	before := pods[0].calls.Load()
	for range 20 {
		require.NoError(t, ask())
	}
	require.Equal(t, before, pods[0].calls.Load())
	pods[1].server.Stop()
	require.Error(t, ask())
}

func TestPodsNeedAnAddress(t *testing.T) {
	_, err := Dial(transport.Network{}, nil, resilience.NewMeter(prometheus.NewRegistry()))
	require.Error(t, err)
}
