package fanout

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	simredis "github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

func cached(seq int64) []item {
	now := time.Now()
	return []item{{placed: true, message: chat.Message{
		ID: chat.NewID(), ConversationID: chat.ID{1}, CreatedAt: now, Place: chat.Place{Seq: seq, Timestamp: order.TimeUUID(order.TicksOf(now), 0, seq)},
	}}}
}

// An offset is committed when the cache has the message, and not before.
func TestCommitWaitsForTheCache(t *testing.T) {
	mini, err := simredis.New(simredis.Config{})
	require.NoError(t, err)
	defer mini.Close()
	client := redis.NewClient(redis.Config{Address: "redis:1", Network: transport.Network{Names: map[string]string{"redis:1": mini.Addr()}}})
	defer client.Close()
	cache := redis.NewCache(client, 0)
	_, _, err = cache.Newest(t.Context(), chat.ID{1}, 1)
	require.NoError(t, err)
	require.NoError(t, cache.Fill(t.Context(), chat.ID{1}, nil))
	committed := make(chan int64, 1)
	w := newCacheWriter(Config{Cache: cache, Logger: slog.New(slog.DiscardHandler)}, func(next int64) { committed <- next }, newMetrics(prometheus.NewRegistry()))
	done := make(chan struct{})
	go func() { defer close(done); w.run(t.Context()) }()
	w.add(cached(1), 7)
	require.EqualValues(t, 7, <-committed)
	ms, complete, err := cache.Newest(t.Context(), chat.ID{1}, 1)
	require.NoError(t, err)
	require.True(t, complete)
	require.Len(t, ms, 1)
	w.stop()
	<-done
}

// A cache that is away delays a commit by its stated time and no more.
func TestCommitDoesNotWaitLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		w := newCacheWriter(Config{Logger: slog.New(slog.DiscardHandler)}, func(int64) { at = append(at, time.Since(began)) }, newMetrics(prometheus.NewRegistry()))
		w.add(nil, 1)
		time.AfterFunc(time.Second, func() { w.add(nil, 2) })
		for range 40 { // as run does while each try fails
			w.settle(2, false)
			pause(t.Context(), resilience.FanoutCache.Policy().Backoff.First)
		}
		require.Equal(t, []time.Duration{resilience.FanoutCache.Policy().Overall, resilience.FanoutCache.Policy().Overall + time.Second}, at)
	})
}
