package fanout

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	simredis "github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// Each sender has one cursor, at the newest of their own places; where there are no places there is none.
func TestOwnReads(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		senders := userIDs(rapid.IntRange(1, 5).Draw(rt, "senders"))
		placed := rapid.Bool().Draw(rt, "placed")
		var ms []chat.Message
		want := map[chat.ID]chat.ID{}
		for i := range rapid.IntRange(0, 64).Draw(rt, "messages") {
			m := chat.Message{ConversationID: chat.ID{1}, SenderID: rapid.SampledFrom(senders).Draw(rt, "sender")}
			m.Place.Timestamp = order.TimeUUID(order.Ticks(1000+i), 0, int64(i))
			if placed {
				m.Place.Seq = int64(i + 1)
				want[m.SenderID] = m.Place.Timestamp
			}
			ms = append(ms, m)
		}
		got := map[chat.ID]chat.ID{}
		for _, c := range ownReads(ms) {
			require.NotContains(rt, got, c.User)
			require.Equal(rt, chat.Read, c.Kind)
			require.Equal(rt, chat.ID{1}, c.ConversationID)
			require.Equal(rt, c.Timestamp, ms[c.Seq-1].Place.Timestamp)
			got[c.User] = c.Timestamp
		}
		require.Equal(rt, want, got)
	})
}

// What a sender has read by sending reaches the cache when the cache is back, and is never lowered by a repeat.
func TestOwnReadsWaitForTheCache(t *testing.T) {
	mini, err := simredis.New(simredis.Config{})
	require.NoError(t, err)
	defer mini.Close()
	client := redis.NewClient(redis.Config{Address: "redis:1", Network: transport.Network{Names: map[string]string{"redis:1": mini.Addr()}}})
	defer client.Close()
	reads := redis.NewReads(client, 0)
	cfg := Config{Cache: redis.NewCache(client, 0), Reads: reads, Logger: slog.New(slog.DiscardHandler), Switches: chat.Switches{Receipts: true}}
	w := newCacheWriter(cfg, func(int64) {}, newMetrics(prometheus.NewRegistry()))
	require.NoError(t, mini.Kill(true))
	done := make(chan struct{})
	go func() { defer close(done); w.run(t.Context()) }()
	w.add(append(cached(4), cached(7)...), 8)
	w.add(cached(4), 8)
	require.NoError(t, mini.Restart())
	require.Eventually(t, func() bool {
		got, err := reads.Of(t.Context(), chat.ID{}, []chat.ID{{1}})
		return err == nil && got[chat.ID{1}] == 7
	}, 20*time.Second, 10*time.Millisecond)
	w.stop()
	<-done
	require.Empty(t, w.own)
}

// Who has said something is counted among those who have read what stands before.
func TestWhoAnswersHasRead(t *testing.T) {
	members := userIDs(3)
	c := &tally{id: chat.ID{1}, progress: chat.Progress{}}
	places := []order.Row{{Seq: 1, Sender: members[0]}, {Seq: 2, Sender: members[1]}}
	c.countOwn(places)
	f, senders := c.frame(places, members)
	require.Equal(t, 2, f.Members)
	require.Equal(t, []wire.Receipt{{Seq: 1, Delivered: 1, Read: 1}, {Seq: 2}}, f.Receipts)
	require.ElementsMatch(t, members[:2], senders)
	c.low, c.high = 0, 0
	c.countOwn(places)
	require.False(t, c.moved(), "the same again tells nobody anything")
}
