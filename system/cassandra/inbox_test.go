package cassandra_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

// TestInbox shows that the last place stands, whatever order the writes come in, and that an inbox that was told to
// forget knows nothing until it is told again.
func TestInbox(t *testing.T) {
	s, ctx := open(t), context.Background()
	a, b := chat.NewID(), chat.NewID()
	now := time.Now().UTC()
	conv := chat.Conversation{ID: chat.NewID(), Kind: chat.Group, Members: []chat.ID{a}, CreatedAt: now, LastMessageAt: now}
	require.NoError(t, s.Create(ctx, conv))
	at := func(seq int64) chat.Place {
		return chat.Place{Seq: seq, Timestamp: order.TimeUUID(order.TicksOf(now)+order.Ticks(seq), 0, seq)}
	}
	read := func(seq int64) error {
		return s.SetRead(ctx, chat.Cursor{Position: chat.Position{ConversationID: conv.ID, Seq: seq, Timestamp: at(seq).Timestamp}, User: a, Kind: chat.Read})
	}
	message := func(seq int64) chat.Message {
		return chat.Message{ConversationID: conv.ID, SenderID: b, Place: at(seq)}
	}
	of := func(user chat.ID) chat.Membership {
		all, err := s.Memberships(ctx, user)
		require.NoError(t, err)
		require.Len(t, all, 1)
		return all[0]
	}
	require.Nil(t, of(a).Newest, "before the first message the conversation is asked")
	require.Zero(t, *of(a).ReadSeq)

	require.NoError(t, s.SetNewest(ctx, conv.Members, message(3)))
	require.NoError(t, s.SetNewest(ctx, conv.Members, message(2)))
	require.Equal(t, chat.Position{ConversationID: conv.ID, Seq: 3, Timestamp: at(3).Timestamp}, *of(a).Newest)
	require.NoError(t, read(2))
	require.NoError(t, read(1))
	require.EqualValues(t, 2, *of(a).ReadSeq)

	require.NoError(t, s.AddMembers(ctx, conv.ID, []chat.ID{b}, at(4)))
	require.EqualValues(t, 3, *of(b).ReadSeq, "what came before is not unread")
	require.NoError(t, s.UnsetNewest(ctx, []chat.ID{a, b}, message(4)))
	require.Nil(t, of(a).Newest)
	require.NoError(t, s.SetNewest(ctx, []chat.ID{a, b}, message(3)))
	require.Nil(t, of(b).Newest, "a place before that brings nothing back")
	require.NoError(t, s.SetNewest(ctx, []chat.ID{a, b}, message(5)))
	require.EqualValues(t, 5, of(a).Newest.Seq)
	require.EqualValues(t, 2, *of(a).ReadSeq)
	require.EqualValues(t, 5, *of(b).ReadSeq, "whose message it is has read it")
}
