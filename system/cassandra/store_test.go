package cassandra_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sim "github.com/chatlab/chatlab/sim/cassandra"
	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/transport"
)

func open(t *testing.T) *cassandra.Store {
	c, err := sim.New(sim.Config{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	cfg := cassandra.Config{Hosts: c.Hosts(), Keyspace: "chat", Replicas: 3, Network: transport.Network{Names: c.Routes()}, Log: slog.New(slog.DiscardHandler)}
	require.NoError(t, cassandra.Migrate(context.Background(), cfg))
	require.NoError(t, cassandra.Migrate(context.Background(), cfg), "again changes nothing")
	s, err := cassandra.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// fill stores n messages in 100 ms steps, as the sequencer places them.
func fill(t *testing.T, s *cassandra.Store, conv chat.ID, n int) (ms []chat.Message) {
	var st order.State
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		m := chat.Message{ConversationID: conv, SenderID: chat.NewID(), ClientMsgID: chat.NewClientMsgID(at), Type: chat.TypeText, Content: "hello", CreatedAt: at}
		m.ID = chat.MessageID(m.SenderID, m.ClientMsgID)
		var err error
		m.Place, _, err = st.Place(order.Record{Partition: 5, Offset: int64(10 * i), Time: at, Sender: m.SenderID, ClientMsgID: m.ClientMsgID})
		require.NoError(t, err)
		ms = append(ms, m)
		at = at.Add(100 * time.Millisecond)
	}
	require.NoError(t, s.Insert(context.Background(), ms...))
	return ms
}

func TestPages(t *testing.T) {
	s, ctx, conv := open(t), context.Background(), chat.NewID()
	ms := fill(t, s, conv, 300)
	require.NoError(t, s.Insert(ctx, ms[7]), "the same row again changes nothing")
	newest, err := s.Newest(ctx, conv, 50)
	require.NoError(t, err)
	require.Equal(t, ms[250:], newest)
	before, err := s.Before(ctx, conv, ms[100].Place.Timestamp, 10)
	require.NoError(t, err)
	require.Equal(t, ms[90:100], before)
	after, err := s.After(ctx, conv, ms[100].Place.Timestamp, 10)
	require.NoError(t, err)
	require.Equal(t, ms[101:111], after)
	all, err := s.After(ctx, conv, order.First(), 1000)
	require.NoError(t, err)
	require.Equal(t, ms, all)
	head, err := s.Head(ctx, conv)
	require.NoError(t, err)
	require.EqualValues(t, 300, head.Seq)
	none, err := s.Head(ctx, chat.NewID())
	require.NoError(t, err)
	require.Zero(t, none.Seq)
}

// What a worker recovers places the next record as the one before it would have.
func TestRecover(t *testing.T) {
	s, ctx, conv := open(t), context.Background(), chat.NewID()
	ms := fill(t, s, conv, 1200)
	for _, at := range []int{0, 1, 600, 1199} {
		st, err := s.Recover(ctx, conv, ms[at].Place.Offset)
		require.NoError(t, err)
		p, repeat, err := st.Order.Place(order.Record{
			Partition: 5, Offset: ms[at].Place.Offset, Time: ms[at].CreatedAt, Sender: ms[at].SenderID, ClientMsgID: ms[at].ClientMsgID,
		})
		require.NoError(t, err)
		require.False(t, repeat)
		require.Equal(t, ms[at].Place, p)
	}
}

func TestMembers(t *testing.T) {
	s, ctx := open(t), context.Background()
	a, b, c := chat.NewID(), chat.NewID(), chat.NewID()
	now := time.Now().UTC().Truncate(time.Millisecond)
	conv := chat.Conversation{ID: chat.NewID(), Kind: chat.Group, Members: []chat.ID{a, b}, CreatedAt: now, LastMessageAt: now}
	require.NoError(t, s.Create(ctx, conv))
	got, err := s.Conversation(ctx, conv.ID)
	require.NoError(t, err)
	require.ElementsMatch(t, conv.Members, got.Members)
	at := func(seq int64) chat.Place {
		return chat.Place{Seq: seq, Timestamp: order.TimeUUID(order.TicksOf(now)+order.Ticks(seq), 0, seq)}
	}
	require.NoError(t, s.RemoveMembers(ctx, conv.ID, []chat.ID{b}, at(9)))
	require.NoError(t, s.AddMembers(ctx, conv.ID, []chat.ID{b}, at(8)), "a change that was overtaken changes nothing")
	require.NoError(t, s.AddMembers(ctx, conv.ID, []chat.ID{c}, at(7)))
	got, err = s.Conversation(ctx, conv.ID)
	require.NoError(t, err)
	require.ElementsMatch(t, []chat.ID{a, c}, got.Members)
	m, err := s.Membership(ctx, c, conv.ID)
	require.NoError(t, err)
	require.False(t, m.Sees(6))
	require.True(t, m.Sees(7))
	m, err = s.Membership(ctx, b, conv.ID)
	require.NoError(t, err)
	require.False(t, m.Sees(7))
	require.True(t, m.Sees(8))
	require.True(t, m.Sees(9))
	require.False(t, m.Sees(10))
	_, err = s.Membership(ctx, chat.NewID(), conv.ID)
	require.Equal(t, chat.CodeNotMember, chat.AsError(err).Code)
	_, err = s.Conversation(ctx, chat.NewID())
	require.Equal(t, chat.CodeNotFound, chat.AsError(err).Code)
	all, err := s.Memberships(ctx, a)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.NoError(t, s.Ready(ctx))
}
