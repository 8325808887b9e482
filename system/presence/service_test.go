package presence

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// role is the service behind a real gRPC server, over miniredis.
type role struct {
	service *Service
	client  pb.PresencesClient
	mini    *miniredis.Miniredis
}

func start(t *testing.T) role {
	mini := miniredis.RunT(t)
	store := redis.NewClient(redis.Config{Address: mini.Addr()})
	s, err := New(Config{Store: redis.NewPresence(store, time.Minute)})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := transport.Network{}.Server()
	pb.RegisterPresencesServer(server, s)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	conn, err := transport.Network{}.Client(l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		server.Stop()
		require.NoError(t, <-done)
		require.NoError(t, store.Close())
	})
	return role{s, pb.NewPresencesClient(conn), mini}
}

func device(user chat.ID, name, gateway string, epoch int64) *pb.DevicePresence {
	return &pb.DevicePresence{UserId: user[:], Device: name, Gateway: gateway, Epoch: epoch}
}

func (r role) online(t *testing.T, users ...chat.ID) (out []string) {
	res, err := r.client.Online(t.Context(), &pb.OnlineRequest{Users: wire.IDBytes(users...)})
	require.NoError(t, err)
	for _, d := range res.Devices {
		out = append(out, d.Device+"@"+d.Gateway)
	}
	return out
}

func TestADeviceComesAndGoes(t *testing.T) {
	r, ctx := start(t), t.Context()
	require.NoError(t, r.service.Depends().Ask(ctx).Err())
	alice, bob := chat.NewID(), chat.NewID()
	_, err := r.client.Announce(ctx, &pb.AnnounceRequest{Device: device(alice, "phone", "g1", 1)})
	require.NoError(t, err)
	_, err = r.client.Refresh(ctx, &pb.RefreshRequest{Devices: []*pb.DevicePresence{
		device(alice, "phone", "g1", 1), device(bob, "tablet", "g2", 7), device(alice, "laptop", "g2", 2),
	}})
	require.NoError(t, err)
	assert.Equal(t, []string{"tablet@g2", "laptop@g2", "phone@g1"}, r.online(t, bob, alice, chat.NewID(), bob))

	_, err = r.client.Announce(ctx, &pb.AnnounceRequest{Device: device(alice, "phone", "g3", 5)})
	require.NoError(t, err)
	_, err = r.client.Leave(ctx, &pb.LeaveRequest{Device: device(alice, "phone", "g1", 1)})
	require.NoError(t, err, "the old connection's late goodbye")
	late, err := r.client.Announce(ctx, &pb.AnnounceRequest{Device: device(alice, "phone", "g1", 1)})
	require.NoError(t, err)
	assert.True(t, late.Replaced)
	batch, err := r.client.Refresh(ctx, &pb.RefreshRequest{Devices: []*pb.DevicePresence{
		device(bob, "tablet", "g2", 7), device(alice, "phone", "g1", 1), device(alice, "laptop", "g2", 2), device(alice, "phone", "g1", 4),
	}})
	require.NoError(t, err)
	assert.Equal(t, []int32{1, 3}, batch.Replaced, "they have come back elsewhere")
	assert.Equal(t, []string{"laptop@g2", "phone@g3"}, r.online(t, alice))
	_, err = r.client.Leave(ctx, &pb.LeaveRequest{Device: device(alice, "phone", "g3", 5)})
	require.NoError(t, err)
	assert.Equal(t, []string{"laptop@g2"}, r.online(t, alice))

	assert.InDelta(t, 7, r.heartbeats(t, entered), 0)
	assert.InDelta(t, 3, r.heartbeats(t, replaced), 0)
}

func (r role) heartbeats(t *testing.T, result string) float64 {
	var m dto.Metric
	require.NoError(t, r.service.metrics.beats.WithLabelValues(result).Write(&m))
	return m.Counter.GetValue()
}

func TestRefusals(t *testing.T) {
	r, ctx := start(t), t.Context()
	alice := chat.NewID()
	for name, d := range map[string]*pb.DevicePresence{
		"nothing":        nil,
		"no user":        {Device: "phone", Gateway: "g", Epoch: 1},
		"short user":     {UserId: alice[:5], Device: "phone", Gateway: "g", Epoch: 1},
		"no device":      device(alice, "", "g", 1),
		"long device":    device(alice, strings.Repeat("x", chat.MaxDeviceName+1), "g", 1),
		"no gateway":     device(alice, "phone", "", 1),
		"long gateway":   device(alice, "phone", strings.Repeat("x", 300), 1),
		"no epoch":       device(alice, "phone", "g", 0),
		"negative epoch": device(alice, "phone", "g", -1),
		"huge epoch":     device(alice, "phone", "g", 1<<60),
	} {
		_, err1 := r.client.Announce(ctx, &pb.AnnounceRequest{Device: d})
		_, err2 := r.client.Leave(ctx, &pb.LeaveRequest{Device: d})
		_, err3 := r.client.Refresh(ctx, &pb.RefreshRequest{Devices: []*pb.DevicePresence{device(alice, "phone", "g", 1), d}})
		for _, err := range []error{err1, err2, err3} {
			assert.Equal(t, chat.CodeBadRequest, transport.Refusal(err).Code, name)
		}
	}
	assert.Empty(t, r.online(t, alice), "a refused batch renews nobody")
	_, err := r.client.Refresh(ctx, &pb.RefreshRequest{Devices: make([]*pb.DevicePresence, MaxRefresh+1)})
	assert.Equal(t, chat.CodeBadRequest, transport.Refusal(err).Code)
	for _, users := range [][]byte{make([]byte, 15), make([]byte, 16*(chat.MaxPresenceUsers+1))} {
		_, err := r.client.Online(ctx, &pb.OnlineRequest{Users: users})
		assert.Equal(t, chat.CodeBadRequest, transport.Refusal(err).Code)
	}
}

func TestAStoreThatIsGoneSaysWhenToRetry(t *testing.T) {
	r, ctx := start(t), t.Context()
	alice := chat.NewID()
	d := device(alice, "phone", "g", 1)
	r.mini.Close()
	_, err1 := r.client.Announce(ctx, &pb.AnnounceRequest{Device: d})
	_, err2 := r.client.Leave(ctx, &pb.LeaveRequest{Device: d})
	_, err3 := r.client.Refresh(ctx, &pb.RefreshRequest{Devices: []*pb.DevicePresence{d}})
	_, err4 := r.client.Online(ctx, &pb.OnlineRequest{Users: alice[:]})
	for _, err := range []error{err1, err2, err3, err4} {
		e := transport.Refusal(err)
		assert.Equal(t, chat.CodeUnavailable, e.Code)
		assert.Equal(t, retryAfter, e.RetryAfter)
	}
	require.Error(t, r.service.Depends().Ask(ctx).Err())
	require.NoError(t, r.mini.Restart())
	_, err := r.client.Refresh(ctx, &pb.RefreshRequest{Devices: []*pb.DevicePresence{d}})
	require.NoError(t, err)
	assert.Equal(t, []string{"phone@g"}, r.online(t, alice), "a store that came back is told again by the next refresh")
}
