package push

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/kafka"
)

// gate lets records through that the fan-out group is done with: from then on their rows exist. All partitions of a pod
// share one question to the log, and it is asked only while somebody waits.
type gate struct {
	pace time.Duration
	ask  func(ctx context.Context, partitions []int) (map[int]int64, error)

	mu      sync.Mutex
	done    map[int]int64
	waiting map[int]int // waiters by partition
	asking  bool
	news    chan struct{} // closed with each answer
}

func newGate(pace time.Duration, ask func(context.Context, []int) (map[int]int64, error)) *gate {
	return &gate{pace: min(max(pace, firstPace), time.Second), ask: ask, done: map[int]int64{}, waiting: map[int]int{}, news: make(chan struct{})}
}

// firstPace is how soon the log is asked: workers commit about every 100 ms.
const firstPace = 100 * time.Millisecond

// wait returns when the fan-out group has committed past an offset.
func (g *gate) wait(ctx context.Context, partition int, offset int64) error {
	g.mu.Lock()
	g.waiting[partition]++
	defer func() {
		if g.waiting[partition]--; g.waiting[partition] == 0 {
			delete(g.waiting, partition)
		}
		g.mu.Unlock()
	}()
	for pause := firstPace; g.done[partition] <= offset; pause = min(2*pause, g.pace) {
		if err := g.round(ctx, pause); err != nil {
			return err
		}
	}
	return nil
}

// round returns, with the lock held as it was called, after the next answer. The first who comes asks for all.
func (g *gate) round(ctx context.Context, pause time.Duration) error {
	news := g.news
	if g.asking {
		g.mu.Unlock()
		defer g.mu.Lock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-news:
			return nil
		}
	}
	g.asking = true
	g.mu.Unlock()
	answer, err := g.askAfter(ctx, pause)
	g.mu.Lock()
	g.asking = false
	for p, next := range answer {
		g.done[p] = max(next, g.done[p])
	}
	close(g.news)
	g.news = make(chan struct{})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_ = err // the next round asks again: the log's own client says what is wrong
	return nil
}

func (g *gate) askAfter(ctx context.Context, pause time.Duration) (map[int]int64, error) {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-t.C:
	}
	g.mu.Lock()
	partitions := make([]int, 0, len(g.waiting))
	for p := range g.waiting {
		partitions = append(partitions, p)
	}
	g.mu.Unlock()
	slices.Sort(partitions)
	return g.ask(ctx, partitions)
}

// through counts the records that need not wait.
func (g *gate) through(partition int, records []kafka.Record) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for n < len(records) && records[n].Offset < g.done[partition] {
		n++
	}
	return n
}
