package cassandra_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

var day = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(conv, user chat.ID, device, kind string, m chat.Message) chat.Cursor {
	return chat.Cursor{
		Position: chat.Position{ConversationID: conv, Seq: m.Place.Seq, Timestamp: m.Place.Timestamp}, User: user, Device: device, Kind: kind,
	}
}

// Cursors are the latest by place, in whatever order, batches and repetitions they are written, also where many places
// share a microsecond.
func TestCursorsStandAtTheLatestPlace(t *testing.T) {
	s, ctx := open(t), context.Background()
	ms := burst(s, t, chat.NewID(), 40)
	rapid.Check(t, func(rt *rapid.T) {
		conv, users := chat.NewID(), []chat.ID{chat.NewID(), chat.NewID()}
		want := map[chat.Cursor]int64{}
		writes := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) chat.Cursor {
			return at(conv, rapid.SampledFrom(users).Draw(rt, "user"), rapid.SampledFrom([]string{"phone", "laptop"}).Draw(rt, "device"),
				rapid.SampledFrom([]string{chat.Delivered, chat.Read}).Draw(rt, "kind"), rapid.SampledFrom(ms).Draw(rt, "place"))
		}), 1, 60).Draw(rt, "writes")
		for rest := writes; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "batch")
			require.NoError(rt, s.Advance(ctx, rest[:n]))
			rest = rest[n:]
		}
		for _, c := range writes {
			key := chat.Cursor{User: c.User, Device: c.Device, Kind: c.Kind}
			want[key] = max(want[key], c.Seq)
		}
		got, err := s.Cursors(ctx, conv)
		require.NoError(rt, err)
		require.Len(rt, got, len(want))
		for _, c := range got {
			require.Equal(rt, want[chat.Cursor{User: c.User, Device: c.Device, Kind: c.Kind}], c.Seq)
			require.Equal(rt, ms[c.Seq-1].Place.Timestamp, c.Timestamp)
		}
		for _, u := range users {
			own, err := s.UserCursors(ctx, conv, u)
			require.NoError(rt, err)
			for _, c := range own {
				require.Contains(rt, got, c)
			}
		}
	})
}

// burst stores messages that all have one time in the log: their places are 100 ns apart.
func burst(s interface {
	Insert(context.Context, ...chat.Message) error
}, t *testing.T, conv chat.ID, n int) (ms []chat.Message) {
	var st order.State
	for i := range n {
		m := chat.Message{ConversationID: conv, SenderID: chat.NewID(), ClientMsgID: chat.NewClientMsgID(day), Type: chat.TypeText, Content: "hello", CreatedAt: day}
		var err error
		m.Place, _, err = st.Place(order.Record{Offset: int64(i), Time: day, Sender: m.SenderID, ClientMsgID: m.ClientMsgID})
		require.NoError(t, err)
		ms = append(ms, m)
	}
	require.NoError(t, s.Insert(context.Background(), ms...))
	return ms
}

func TestPlaces(t *testing.T) {
	s, ctx, conv := open(t), context.Background(), chat.NewID()
	ms := fill(t, s, conv, 120)
	places, err := s.Places(ctx, conv, 50)
	require.NoError(t, err)
	require.Len(t, places, 50)
	for i, p := range places {
		require.Equal(t, ms[70+i].Place.Seq, p.Seq)
		require.Equal(t, ms[70+i].SenderID, p.Sender)
	}
	seq, ok, err := s.SeqAt(ctx, conv, ms[3].Place.Timestamp)
	require.NoError(t, err)
	require.True(t, ok)
	require.EqualValues(t, 4, seq)
	_, ok, err = s.SeqAt(ctx, conv, order.First())
	require.NoError(t, err)
	require.False(t, ok)
}
