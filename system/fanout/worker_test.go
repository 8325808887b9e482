package fanout_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	simcassandra "github.com/chatlab/chatlab/sim/cassandra"
	simkafka "github.com/chatlab/chatlab/sim/kafka"
	simredis "github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/fanout"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/message"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// rig is a message pod, a worker and their stores; the gateway is the test's own.
type rig struct {
	t        *testing.T
	net      transport.Network
	switches chat.Switches
	client   *kafka.Client
	store    *cassandra.Store
	cache    *redis.Cache
	presence *redis.Presence
	service  *message.Service
	gateway  *gateway
	metrics  *prometheus.Registry // of the last worker
}

func newRig(t *testing.T, profile string) *rig {
	r := &rig{t: t, gateway: newGateway(t)}
	var err error
	r.switches, err = chat.Profile(profile)
	require.NoError(t, err)
	r.switches.GroupLimit = 0
	names := map[string]string{"gateway-1:7000": r.gateway.address}
	log, err := simkafka.Start(simkafka.Config{Topics: wire.Topics(4)})
	require.NoError(t, err)
	t.Cleanup(func() { log.Close() })
	var brokers []string
	for _, b := range log.Brokers() {
		names[b.Announced] = b.Address
		brokers = append(brokers, b.Announced)
	}
	tables, err := simcassandra.New(simcassandra.Config{})
	require.NoError(t, err)
	t.Cleanup(tables.Close)
	for from, to := range tables.Routes() {
		names[from] = to
	}
	mini, err := simredis.New(simredis.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { mini.Close() })
	names["redis:6379"] = mini.Addr()
	r.net = transport.Network{Names: names}

	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	cfg := cassandra.Config{Hosts: tables.Hosts(), Keyspace: "chat", Replicas: 3, Network: r.net, Log: quiet}
	require.NoError(t, cassandra.Migrate(t.Context(), cfg))
	r.store, err = cassandra.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(r.store.Close)
	rc := redis.NewClient(redis.Config{Address: "redis:6379", Network: r.net})
	t.Cleanup(func() { rc.Close() })
	r.cache, r.presence = redis.NewCache(rc, 0), redis.NewPresence(rc, 0)
	r.client = kafka.NewClient(kafka.Config{Brokers: brokers, ClientID: "test", Network: r.net, Log: quiet})
	t.Cleanup(r.client.Close)
	producer := r.client.Producer(wire.TopicMessages)
	t.Cleanup(func() { producer.Close() })
	r.service, err = message.New(message.Config{
		Switches: r.switches, Store: r.store, Cache: r.cache, Log: producer, Now: time.Now, Logger: quiet, Metrics: prometheus.NewRegistry(),
	})
	require.NoError(t, err)
	return r
}

// work runs a worker until the returned function ends it.
func (r *rig) work() (stop func()) {
	r.metrics = prometheus.NewRegistry()
	w, err := fanout.New(fanout.Config{
		Name: "fanout-1", Switches: r.switches, Log: r.client, Store: r.store, Cache: r.cache, Presence: r.presence,
		Gateways: map[string]string{"gateway-1": "gateway-1:7000"}, Network: r.net, Now: time.Now,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: r.metrics, Session: 6 * time.Second,
	})
	require.NoError(r.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(r.t, <-done)
	}
}

func (r *rig) conversation(users ...chat.ID) chat.ID {
	c, err := r.service.CreateConversation(r.t.Context(), &pb.CreateConversationRequest{UserId: users[0][:], Kind: chat.Group, Members: wire.IDBytes(users...)})
	require.NoError(r.t, err)
	for i, u := range users {
		_, err := r.presence.Announce(r.t.Context(), redis.Device{User: u, Name: "phone", Gateway: "gateway-1", Epoch: int64(i + 1)})
		require.NoError(r.t, err)
	}
	return wire.ID(c.ConversationId)
}

func (r *rig) send(user, conv, id chat.ID, text string) {
	_, err := r.service.Send(r.t.Context(), &pb.SendRequest{ConversationId: conv[:], SenderId: user[:], ClientMsgId: id[:], Content: text})
	require.NoError(r.t, err)
}

// gateway records what it is told to deliver, by user.
type gateway struct {
	pb.UnimplementedGatewayServer
	address string
	mu      sync.Mutex
	got     map[chat.ID][]wire.ServerFrame
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{got: map[chat.ID][]wire.ServerFrame{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g.address = l.Addr().String()
	s := grpc.NewServer()
	pb.RegisterGatewayServer(s, g)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return g
}

func (g *gateway) Deliver(s pb.Gateway_DeliverServer) error {
	audiences := map[chat.ID][]byte{}
	for {
		req, err := s.Recv()
		if err != nil {
			return err
		}
		last := uint64(0)
		for _, d := range req.Deliveries {
			conv := wire.ID(d.ConversationId)
			users := d.Users
			if d.Audience {
				audiences[conv] = users
			}
			if len(users) == 0 {
				users = audiences[conv]
			}
			g.deliver(users, d.Frame)
			last = max(last, d.Number)
		}
		if err := s.Send(&pb.DeliverResponse{Number: last}); err != nil {
			return err
		}
	}
}

func (g *gateway) DeliverOne(_ context.Context, req *pb.DeliverOneRequest) (*pb.DeliverOneResponse, error) {
	g.deliver(req.UserId, req.Frame)
	return &pb.DeliverOneResponse{Delivered: true}, nil
}

func (g *gateway) deliver(users, frame []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ids, _ := wire.IDs(users)
	for _, u := range ids {
		var f wire.ServerFrame
		if json.Unmarshal(frame, &f) == nil {
			g.got[u] = append(g.got[u], f)
		}
	}
}

func (g *gateway) frames(user chat.ID) []wire.ServerFrame {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]wire.ServerFrame(nil), g.got[user]...)
}

func (r *rig) history(user, conv chat.ID) []*pb.ChatMessage {
	res, err := r.service.History(r.t.Context(), &pb.HistoryRequest{ConversationId: conv[:], UserId: user[:], Limit: 200, After: firstPage()})
	require.NoError(r.t, err)
	return res.Messages
}

func firstPage() []byte {
	id := chat.ID{}
	id[6], id[8] = 0x10, 0x80
	return id[:]
}

func seqs(ms []*pb.ChatMessage) (out []int64) {
	for _, m := range ms {
		out = append(out, m.Seq)
	}
	return out
}

func TestEveryMemberGetsEachMessageOnceInOrder(t *testing.T) {
	r := newRig(t, chat.ProfileHardened)
	var users []chat.ID
	for range 20 {
		users = append(users, chat.NewID())
	}
	conv := r.conversation(users...)
	defer r.work()()
	for i := range 30 {
		id := chat.NewClientMsgID(time.Now())
		r.send(users[i%20], conv, id, fmt.Sprint(i))
		if i%3 == 0 {
			r.send(users[i%20], conv, id, fmt.Sprint(i)) // a retry makes no second message
		}
	}
	for _, u := range users {
		require.Eventually(t, func() bool { return len(r.gateway.frames(u)) >= 30 }, 20*time.Second, 10*time.Millisecond)
		frames := r.gateway.frames(u)
		require.Len(t, frames, 30, "the sender's own devices too")
		for i, f := range frames {
			require.EqualValues(t, i+1, f.Seq)
			require.Equal(t, fmt.Sprint(i), f.Content)
		}
	}
	require.Eventually(t, func() bool { return len(r.history(users[0], conv)) == 30 }, 5*time.Second, 10*time.Millisecond)
}

// A worker that takes over goes on where the rows end, whatever was committed.
func TestTakeover(t *testing.T) {
	r := newRig(t, chat.ProfileHardened)
	a, b := chat.NewID(), chat.NewID()
	conv := r.conversation(a, b)
	first := chat.NewClientMsgID(time.Now())
	for round := range 3 {
		stop := r.work()
		for i := range 5 {
			r.send(a, conv, chat.NewClientMsgID(time.Now()), fmt.Sprint(round, i))
		}
		r.send(a, conv, first, "said again after each takeover")
		want := 5*(round+1) + 1
		require.Eventually(t, func() bool { return len(r.history(b, conv)) == want }, 20*time.Second, 10*time.Millisecond)
		stop()
	}
	got := r.history(b, conv)
	for i, s := range seqs(got) {
		require.EqualValues(t, i+1, s)
	}
}

// Who is added sees what comes after; who is removed sees nothing later.
func TestMembershipHasAPlace(t *testing.T) {
	r := newRig(t, chat.ProfileHardened)
	a, b, c := chat.NewID(), chat.NewID(), chat.NewID()
	conv := r.conversation(a, b)
	_, err := r.presence.Announce(t.Context(), redis.Device{User: c, Name: "phone", Gateway: "gateway-1", Epoch: 9})
	require.NoError(t, err)
	defer r.work()()
	r.send(a, conv, chat.NewClientMsgID(time.Now()), "before")
	_, err = r.service.ChangeMembers(t.Context(), &pb.ChangeMembersRequest{UserId: a[:], ConversationId: conv[:], Add: c[:], Remove: b[:]})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(r.history(a, conv)) == 3 }, 20*time.Second, 10*time.Millisecond)
	r.send(a, conv, chat.NewClientMsgID(time.Now()), "after")
	require.Eventually(t, func() bool { return len(r.history(a, conv)) == 4 }, 20*time.Second, 10*time.Millisecond)
	require.NotContains(t, seqs(r.history(c, conv)), int64(1), "the newcomer does not see what was said before")
	require.Contains(t, seqs(r.history(c, conv)), int64(4))
	require.NotContains(t, seqs(r.history(b, conv)), int64(4), "who left does not see what is said after")
	require.Eventually(t, func() bool { // a pod trusts what it knows of members for a second
		_, err := r.service.Send(t.Context(), &pb.SendRequest{ConversationId: conv[:], SenderId: b[:], ClientMsgId: wire.IDBytes(chat.NewClientMsgID(time.Now())), Content: "x"})
		return err != nil && chat.AsError(err).Code == chat.CodeNotMember
	}, 5*time.Second, 100*time.Millisecond)
}

func TestTheDocumentsLoopSkipsTheSender(t *testing.T) {
	r := newRig(t, chat.ProfileDocument)
	a, b := chat.NewID(), chat.NewID()
	conv := r.conversation(a, b)
	defer r.work()()
	r.send(a, conv, chat.NewClientMsgID(time.Now()), "hello")
	require.Eventually(t, func() bool { return len(r.gateway.frames(b)) == 1 }, 20*time.Second, 10*time.Millisecond)
	require.Zero(t, r.gateway.frames(b)[0].Seq)
	require.Empty(t, r.gateway.frames(a))
}
