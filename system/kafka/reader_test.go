package kafka

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// A reader is given up at the third look at which it stands where it stood, although there are records and room for them.
func TestAStalledReaderIsGivenUp(t *testing.T) {
	p := newPartition(nil, "records", 0, 5, nil)
	ctx, giveUp := context.WithCancelCause(t.Context())
	p.reader.Store(&giveUp)
	look := func(times int, end int64) (lives bool) {
		for range times {
			p.judge(end)
		}
		return ctx.Err() == nil
	}
	require.True(t, look(4, 5), "there is nothing to read")
	require.True(t, look(2, 8))
	p.read.Store(6)
	require.True(t, look(1, 8), "it moved")
	for range cap(p.records) {
		p.records <- Record{}
	}
	require.True(t, look(4, 8), "the handler has not taken what is read")
	<-p.records
	require.True(t, look(2, 8))
	require.False(t, look(1, 8))
	require.Equal(t, errStalled, reason(ctx))
}

func TestAGaugeForgetsWhatItIsNotTold(t *testing.T) {
	r := prometheus.NewRegistry()
	g := NewGauge(r, "lag", "Records.")
	g.Set(map[int]float64{1: 5, 2: 6})
	require.Equal(t, 2, testutil.CollectAndCount(g.vec))
	g.Set(map[int]float64{2: 7})
	require.Equal(t, 1, testutil.CollectAndCount(g.vec))
	require.EqualValues(t, 7, testutil.ToFloat64(g.vec))
	g.Set(nil)
	require.Zero(t, testutil.CollectAndCount(g.vec))
}
