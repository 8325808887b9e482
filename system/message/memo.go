package message

import (
	"context"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/resilience"
)

// maxMemo bounds the entries of a memo, unless it says otherwise; past it, it starts afresh.
const maxMemo = 50_000

// memo remembers what a load returned for a short time, and lets all who ask meanwhile share one load.
type memo[K comparable, V any] struct {
	ttl  time.Duration
	most int // entries
	load func(context.Context, K) (V, error)

	mu      sync.Mutex
	entries map[K]*entry[V]
}

type entry[V any] struct {
	done  chan struct{} // closed when loaded
	value V
	err   error
	until time.Time
}

func newMemo[K comparable, V any](ttl time.Duration, load func(context.Context, K) (V, error)) *memo[K, V] {
	return &memo[K, V]{ttl: ttl, most: maxMemo, load: load, entries: map[K]*entry[V]{}}
}

func (m *memo[K, V]) get(ctx context.Context, k K) (V, error) {
	m.mu.Lock()
	e, ok := m.entries[k]
	if ok {
		select {
		case <-e.done:
			ok = e.err == nil && time.Now().Before(e.until)
		default: // being loaded
		}
	}
	if !ok {
		e = m.start(ctx, k)
	}
	m.mu.Unlock()
	select {
	case <-e.done:
		return e.value, e.err
	case <-ctx.Done():
		var zero V
		return zero, ctx.Err()
	}
}

// start begins a load that does not end with the caller who happened to be first.
func (m *memo[K, V]) start(ctx context.Context, k K) *entry[V] {
	if len(m.entries) >= m.most {
		m.entries = map[K]*entry[V]{}
	}
	e := &entry[V]{done: make(chan struct{})}
	m.entries[k] = e
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resilience.SharedRead.Timeout())
	go func() {
		defer cancel()
		defer close(e.done)
		e.value, e.err = m.load(ctx, k)
		e.until = time.Now().Add(m.ttl)
	}()
	return e
}

func (m *memo[K, V]) forget(k K) {
	m.mu.Lock()
	delete(m.entries, k)
	m.mu.Unlock()
}
