package push

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/kafka"
)

// All who wait share one question a pace, and whoever's offset is passed goes on.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked, done := 0, map[int]int64{}
		g := newGate(time.Minute, func(_ context.Context, partitions []int) (map[int]int64, error) {
			mu.Lock()
			defer mu.Unlock()
			asked++
			out := map[int]int64{}
			for _, p := range partitions {
				out[p] = done[p]
			}
			if asked == 3 {
				return nil, errors.New("no answer")
			}
			return out, nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		passed := make(chan int, 3)
		var waiting sync.WaitGroup
		for p := range 3 {
			waiting.Go(func() {
				if g.wait(ctx, p, 7) == nil {
					passed <- p
				}
			})
		}
		time.Sleep(10 * time.Second)
		require.Empty(t, passed)
		mu.Lock()
		require.InDelta(t, 12, asked, 3, "about once a second, for all three")
		done[1], done[2] = 8, 7
		mu.Unlock()
		time.Sleep(2 * time.Second)
		require.Equal(t, 1, <-passed)
		require.Empty(t, passed, "7 is done when 8 is next")
		require.Equal(t, 1, g.through(1, []kafka.Record{{Offset: 7}, {Offset: 8}}))
		cancel()
		waiting.Wait()
		before := asked
		time.Sleep(time.Minute)
		require.Equal(t, before, asked, "nobody waits, nobody asks")
		require.Empty(t, passed)
	})
}
