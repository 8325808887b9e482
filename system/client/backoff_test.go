package client

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/resilience"
)

var backoffBase = resilience.DeviceResume.Policy().Backoff.First

// TestBackoff compares with the formula: the n-th wait is below min(cap, base * 2^n), and one seed gives one schedule.
func TestBackoff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		r, again := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 0))
		var b, b2 backoff
		n := 0
		for _, reset := range rapid.SliceOf(rapid.Bool()).Draw(t, "resets") {
			if reset {
				b.reset()
				b2.reset()
				n = 0
			}
			limit := resilience.DeviceResume.Policy().Backoff.Max
			if d := 250 * time.Millisecond << min(n, 20); d < limit {
				limit = d
			}
			wait := b.next(r)
			require.GreaterOrEqual(t, wait, time.Duration(0))
			require.Less(t, wait, limit)
			require.Equal(t, wait, b2.next(again))
			n++
		}
	})
}

// TestBackoffIsFullyJittered shows that devices which failed together return evenly over the whole range.
func TestBackoffIsFullyJittered(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var tenths [10]int
	for range 10_000 {
		b := backoff{failures: 3}
		tenths[b.next(r)/(200*time.Millisecond)]++
	}
	for _, n := range tenths {
		require.InDelta(t, 1000, n, 150)
	}
}

func TestImmediateHasAFloor(t *testing.T) {
	b := backoff{immediate: true}
	for range 10 {
		require.Equal(t, immediateFloor, b.next(nil))
	}
	require.Zero(t, spread(nil, 0))
}
