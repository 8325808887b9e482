package redis

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
)

func TestABurstThenTheRate(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	l := NewLimits(s.client, 10, 5)
	alice, bob := chat.NewID(), chat.NewID()
	for i := range 5 {
		_, ok, err := l.Take(ctx, alice, chat.NewID())
		require.NoError(t, err)
		require.True(t, ok, i)
	}
	late := chat.NewID()
	after, ok, err := l.Take(ctx, alice, late)
	require.NoError(t, err)
	require.False(t, ok)
	assert.Positive(t, after)
	assert.LessOrEqual(t, after, 100*time.Millisecond)
	_, ok, err = l.Take(ctx, bob, late)
	require.NoError(t, err)
	assert.True(t, ok, "another user's bucket is full")

	s.pass(after + time.Millisecond)
	_, ok, err = l.Take(ctx, alice, late)
	require.NoError(t, err)
	assert.True(t, ok, "after the time it said")
	if s.mini != nil { // a real clock may have gone on
		_, ok, err = l.Take(ctx, alice, chat.NewID())
		require.NoError(t, err)
		assert.False(t, ok)
	}
}

func TestARetryIsFree(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	l := NewLimits(s.client, 1, 3)
	alice := chat.NewID()
	sends := []chat.ID{chat.NewID(), chat.NewID(), chat.NewID()}
	for range 4 { // each attempt of each send, also when the bucket is empty
		for _, id := range sends {
			_, ok, err := l.Take(ctx, alice, id)
			require.NoError(t, err)
			require.True(t, ok)
		}
	}
	_, ok, err := l.Take(ctx, alice, chat.NewID())
	require.NoError(t, err)
	require.False(t, ok)
}

func TestLimitsForgetWhatIsPaidOff(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	l := NewLimits(s.client, 20, 10)
	alice := chat.NewID()
	for range 30 {
		_, _, err := l.Take(ctx, alice, chat.NewID())
		require.NoError(t, err)
	}
	n, err := s.client.db.ZCard(ctx, limitKey(alice)).Result()
	require.NoError(t, err)
	require.LessOrEqual(t, n, int64(10))
	s.pass(600 * time.Millisecond)
	there, err := s.client.db.Exists(ctx, limitKey(alice)).Result()
	require.NoError(t, err)
	require.Zero(t, there)
}

func TestAClockSetBackHoldsNobodyForLong(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	l := NewLimits(s.client, 1, 2)
	alice := chat.NewID()
	future := float64(time.Now().Add(time.Hour).UnixMicro())
	require.NoError(t, s.client.db.Do(ctx, "ZADD", limitKey(alice), future, "x").Err())
	for range 2 {
		_, ok, err := l.Take(ctx, alice, chat.NewID())
		require.NoError(t, err)
		require.True(t, ok)
	}
	after, ok, err := l.Take(ctx, alice, chat.NewID())
	require.NoError(t, err)
	require.False(t, ok)
	require.LessOrEqual(t, after, time.Second)
}

func TestManyPodsShareOneBucket(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	alice := chat.NewID()
	var taken atomic.Int64
	var pods sync.WaitGroup
	for range 8 {
		pods.Go(func() {
			l := NewLimits(s.client, 0.001, 60)
			for range 20 {
				if _, ok, err := l.Take(ctx, alice, chat.NewID()); assert.NoError(t, err) && ok {
					taken.Add(1)
				}
			}
		})
	}
	pods.Wait()
	require.EqualValues(t, 60, taken.Load())
}

// Within any time no user is admitted more than burst + rate x time, retries of what is owed for are free, and who waits
// as long as told is admitted.
func TestLimitsModel(t *testing.T) {
	s := newServer(t)
	if s.mini == nil {
		t.Log("the model steers the server's clock: it runs on miniredis only")
		return
	}
	rapid.Check(t, func(t *rapid.T) {
		ctx, alice := context.Background(), chat.NewID()
		perSecond, burst := rapid.SampledFrom([]float64{0.5, 1, 10, 100}).Draw(t, "rate"), rapid.IntRange(1, 8).Draw(t, "burst")
		l := NewLimits(s.client, perSecond, burst)
		var admitted []time.Time
		var last chat.ID
		admit := func() {
			admitted = append(admitted, s.now)
			for i, from := range admitted {
				most := float64(burst) + perSecond*s.now.Sub(from).Seconds() + 1e-3
				require.LessOrEqual(t, float64(len(admitted)-i), most, "within %s", s.now.Sub(from))
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			last = chat.NewID()
			after, ok, err := l.Take(ctx, alice, last)
			require.NoError(t, err)
			if !ok {
				require.Positive(t, after)
				s.pass(after + time.Microsecond)
				_, ok, err = l.Take(ctx, alice, last)
				require.NoError(t, err)
				require.True(t, ok, "after the %s it was told", after)
			}
			admit()
			_, ok, err = l.Take(ctx, alice, last)
			require.NoError(t, err)
			require.True(t, ok, "a retry at once")
			s.pass(time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "pause")) / time.Duration(perSecond+1))
		}
	})
}
