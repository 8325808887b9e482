package fanout

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/resilience"
)

// maxCacheQueue bounds the messages that wait for the cache.
const maxCacheQueue = 4096

// cacheWriter updates the cache in log order without ever holding up the partition. A conversation whose update was
// lost is dropped from the cache before anything is added to it again, so that readers fall back to storage.
//
// An offset is committed when the cache has what stands before it, or resilience.FanoutCache.Policy().Overall has passed: a worker that dies in
// between leaves the update to the next one, and a cache that is away delays commits but not the work.
type cacheWriter struct {
	cache   *redis.Cache
	commit  func(next int64)
	log     *slog.Logger
	metrics metrics

	mu      sync.Mutex
	wake    *sync.Cond
	queue   []chat.Message
	commits []dueCommit // in log order
	lost    map[chat.ID]bool
	closed  bool
}

type dueCommit struct {
	next int64
	at   time.Time // it waits no longer than this
}

func newCacheWriter(c *redis.Cache, commit func(next int64), log *slog.Logger, m metrics) *cacheWriter {
	w := &cacheWriter{cache: c, commit: commit, log: log, metrics: m, lost: map[chat.ID]bool{}}
	w.wake = sync.NewCond(&w.mu)
	return w
}

// add takes items whose rows are stored, and what may be committed once the cache has them.
func (w *cacheWriter) add(items []item, next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, it := range items {
		switch {
		case !it.placed:
		case len(w.queue) >= maxCacheQueue:
			w.lost[it.message.ConversationID] = true
		default:
			w.queue = append(w.queue, it.message)
		}
	}
	w.commits = append(w.commits, dueCommit{next, time.Now().Add(resilience.FanoutCache.Policy().Overall)})
	w.wake.Signal()
}

func (w *cacheWriter) stop() {
	w.mu.Lock()
	w.closed = true
	w.wake.Broadcast()
	w.mu.Unlock()
}

func (w *cacheWriter) run(ctx context.Context) {
	for {
		batch, lost, commits, ok := w.take()
		if !ok { // what is stored nobody adds after us, or the next worker does once more
			w.settle(commits, w.write(context.WithoutCancel(ctx), batch, lost))
			return
		}
		done := w.write(ctx, batch, lost)
		w.settle(commits, done)
		if !done {
			pause(ctx, resilience.FanoutCache.Policy().Backoff.First)
		}
	}
}

func (w *cacheWriter) take() (batch []chat.Message, lost []chat.ID, commits int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 && len(w.lost) == 0 && len(w.commits) == 0 && !w.closed {
		w.wake.Wait()
	}
	batch, w.queue = w.queue, nil
	for id := range w.lost {
		lost = append(lost, id)
	}
	return batch, lost, len(w.commits), !w.closed
}

// settle commits the first n that were due when the cache was written, or of all those that have waited long enough.
func (w *cacheWriter) settle(n int, done bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !done {
		n = 0
	}
	now := time.Now()
	for n < len(w.commits) && !now.Before(w.commits[n].at) {
		n++
	}
	if n > 0 {
		w.commit(w.commits[n-1].next)
		w.commits = w.commits[n:]
	}
}

func (w *cacheWriter) write(ctx context.Context, batch []chat.Message, lost []chat.ID) bool {
	ctx, cancel := context.WithTimeout(ctx, resilience.FanoutCache.Timeout())
	defer cancel()
	for _, id := range lost {
		if err := w.cache.Drop(ctx, id); err != nil {
			w.fail(batch, err)
			return false
		}
		w.mu.Lock()
		delete(w.lost, id)
		w.mu.Unlock()
	}
	if len(batch) == 0 {
		return true
	}
	if err := deadletter.Guard(func() error { return w.cache.AddAll(ctx, batch) }); err != nil {
		w.fail(batch, err)
		return false
	}
	return true
}

func (w *cacheWriter) fail(batch []chat.Message, err error) {
	w.metrics.cacheErrors.Inc()
	w.log.Warn("update cache", "messages", len(batch), "error", err)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range batch {
		w.lost[m.ConversationID] = true
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
