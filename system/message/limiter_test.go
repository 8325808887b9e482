package message

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
)

func nothing(float64) {}

// Whatever arrives when: no window of time lets more through than burst and rate allow, no more wait than the queue
// holds, nobody waits longer than was said, and who is refused is told when to come back.
func TestGroupLimit(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		perSecond := float64(rapid.IntRange(1, 20).Draw(rt, "per second"))
		queue := rapid.IntRange(0, 20).Draw(rt, "queue")
		maxWait := time.Duration(rapid.IntRange(0, 5000).Draw(rt, "max wait ms")) * time.Millisecond
		gaps := rapid.SliceOfN(rapid.IntRange(0, 300), 1, 150).Draw(rt, "gaps ms")
		synctest.Test(t, func(t *testing.T) {
			waiting, most := 0.0, 0.0
			var mu sync.Mutex
			l := newGroupLimiter(perSecond, queue, maxWait, func(d float64) {
				mu.Lock()
				defer mu.Unlock()
				waiting += d
				most = max(most, waiting)
			})
			var admitted []time.Time
			var wg sync.WaitGroup
			for _, gap := range gaps {
				time.Sleep(time.Duration(gap) * time.Millisecond)
				wg.Go(func() {
					began := time.Now()
					err := l.wait(context.Background(), chat.ID{1})
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						admitted = append(admitted, time.Now())
						require.LessOrEqual(rt, time.Since(began), maxWait)
						return
					}
					var e *chat.Error
					require.ErrorAs(rt, err, &e)
					require.Equal(rt, chat.CodeGroupLimit, e.Code)
					require.Positive(rt, e.RetryAfter)
					require.Equal(rt, began, time.Now(), "a refusal comes at once")
				})
			}
			wg.Wait()
			require.LessOrEqual(rt, int(most), queue)
			require.Zero(rt, waiting)
			requireRate(rt, admitted, perSecond)
		})
	})
}

func requireRate(t *rapid.T, admitted []time.Time, perSecond float64) {
	slices.SortFunc(admitted, func(a, b time.Time) int { return a.Compare(b) })
	burst := max(1, int(perSecond))
	for i := range admitted {
		for j := i + burst; j < len(admitted); j++ {
			allowed := float64(burst) + perSecond*admitted[j].Sub(admitted[i]).Seconds() + 1e-6
			require.LessOrEqual(t, float64(j-i+1), allowed+1)
		}
	}
}

func TestGroupLimitHoldsEachGroupByItself(t *testing.T) {
	l := newGroupLimiter(1, 0, 0, nothing)
	require.NoError(t, l.wait(context.Background(), chat.ID{1}))
	require.Error(t, l.wait(context.Background(), chat.ID{1}))
	require.NoError(t, l.wait(context.Background(), chat.ID{2}))
}

func TestNoGroupLimit(t *testing.T) {
	l := newGroupLimiter(0, 0, 0, nothing)
	for range 1000 {
		require.NoError(t, l.wait(context.Background(), chat.ID{1}))
	}
}

func TestSenderWhoGoesAwayLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := 0.0
		l := newGroupLimiter(1, 5, 10*time.Second, func(d float64) { waiting += d })
		require.NoError(t, l.wait(t.Context(), chat.ID{1}))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		require.Error(t, l.wait(ctx, chat.ID{1}))
		require.Zero(t, waiting)
	})
}

func TestMembersAreToldOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newGroupLimiter(1, 0, 0, nothing)
		time.Sleep(time.Hour)
		require.True(t, l.tellNow(chat.ID{1}, time.Second))
		require.False(t, l.tellNow(chat.ID{1}, time.Second))
		require.True(t, l.tellNow(chat.ID{2}, time.Second))
		time.Sleep(time.Second)
		require.True(t, l.tellNow(chat.ID{1}, time.Second))
	})
}

func TestMemoLoadsOnceForAllWhoAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		loads := 0
		m := newMemo(time.Second, func(ctx context.Context, k int) (int, error) {
			loads++
			time.Sleep(100 * time.Millisecond)
			return k * 2, nil
		})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				v, err := m.get(t.Context(), 21)
				require.NoError(t, err)
				require.Equal(t, 42, v)
			})
		}
		wg.Wait()
		require.Equal(t, 1, loads)
		time.Sleep(2 * time.Second)
		_, err := m.get(t.Context(), 21)
		require.NoError(t, err)
		require.Equal(t, 2, loads, "what was read is trusted for its time and no longer")
	})
}

func TestMemoForgetsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := true
		m := newMemo(time.Hour, func(context.Context, int) (int, error) {
			if fail {
				return 0, errors.New("away")
			}
			return 1, nil
		})
		_, err := m.get(t.Context(), 1)
		require.Error(t, err)
		fail = false
		_, err = m.get(t.Context(), 1)
		require.NoError(t, err)
	})
}
