package push

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sim "github.com/chatlab/chatlab/sim/cassandra"
	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/placement"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// What the fan-out passed over takes no place here either: else every later receipt would be taken for an older one.
func TestWhatIsRefusedTakesNoPlace(t *testing.T) {
	store, conv := direct(t)
	a, b := conv.Members[0], conv.Members[1]
	fanout := placement.New(store, 0)
	ours := newPlaces(store, chat.Switches{WritePath: chat.WriteLogFirst, Mutant: "handling_panics"}, 0)
	for offset, text := range []string{"one", strings.Repeat("x", cassandra.MaxRowBytes+1), "two", "panic", "three"} {
		rec := wire.Record{MessageID: chat.NewID(), ConversationID: conv.ID, SenderID: a, ClientMsgID: chat.NewClientMsgID(time.Now()), MessageType: chat.TypeText, CreatedAt: time.Now(), Content: text}
		value, err := json.Marshal(rec)
		require.NoError(t, err)
		r := kafka.Record{Offset: int64(offset), Time: time.Now(), Value: value}
		got, err := ours.place(t.Context(), r)
		if text == "panic" || len(text) > cassandra.MaxRowBytes {
			require.True(t, deadletter.IsRefused(err))
			require.Equal(t, arrival{offset: int64(offset)}, got, "nobody is told")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, []chat.ID{b}, got.users)
		c, err := fanout.Get(t.Context(), conv.ID, r.Offset)
		require.NoError(t, err)
		m, _, _, err := c.Take(rec, r)
		require.NoError(t, err)
		require.Equal(t, m.Place, got.place)
		require.NoError(t, store.Insert(t.Context(), m))
	}
}

// A retry that finds the first attempt in the log is one message, and one to be told of, where the pods' clocks decide too.
func TestARepeatIsToldOnce(t *testing.T) {
	store, conv := direct(t)
	for _, path := range []string{chat.WriteParallel, chat.WriteLogFirst} {
		ours := newPlaces(store, chat.Switches{WritePath: path}, 0)
		id := chat.NewClientMsgID(time.Now())
		rec := wire.Record{MessageID: chat.MessageID(conv.Members[0], id), ConversationID: conv.ID, SenderID: conv.Members[0], ClientMsgID: id, MessageType: chat.TypeText, CreatedAt: time.Now(), Content: "hello"}
		value, err := json.Marshal(rec)
		require.NoError(t, err)
		for offset, users := range [][]chat.ID{conv.Members[1:], nil} {
			got, err := ours.place(t.Context(), kafka.Record{Offset: int64(offset), Time: time.Now(), Value: value})
			require.NoError(t, err)
			require.ElementsMatch(t, users, got.users, "%s, attempt %d", path, offset+1)
		}
	}
}

// direct is a store with a conversation of two.
func direct(t *testing.T) (*cassandra.Store, chat.Conversation) {
	tables, err := sim.New(sim.Config{})
	require.NoError(t, err)
	t.Cleanup(tables.Close)
	cfg := cassandra.Config{Hosts: tables.Hosts(), Keyspace: "chat", Replicas: 3, Network: transport.Network{Names: tables.Routes()}, Log: slog.New(slog.DiscardHandler)}
	require.NoError(t, cassandra.Migrate(t.Context(), cfg))
	store, err := cassandra.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(store.Close)
	conv := chat.Conversation{ID: chat.NewID(), Kind: chat.Direct, Members: []chat.ID{chat.NewID(), chat.NewID()}, CreatedAt: time.Now(), LastMessageAt: time.Now()}
	require.NoError(t, store.Create(t.Context(), conv))
	return store, conv
}
