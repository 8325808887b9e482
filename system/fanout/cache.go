package fanout

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/redis"
)

// maxCacheQueue bounds the messages that wait for the cache.
const maxCacheQueue = 4096

// cacheWriter updates the cache in log order without ever holding up the partition. A conversation whose update was
// lost is dropped from the cache before anything is added to it again, so that readers fall back to storage.
type cacheWriter struct {
	cache   *redis.Cache
	log     *slog.Logger
	metrics metrics

	mu     sync.Mutex
	wake   *sync.Cond
	queue  []chat.Message
	lost   map[chat.ID]bool
	closed bool
}

func newCacheWriter(c *redis.Cache, log *slog.Logger, m metrics) *cacheWriter {
	w := &cacheWriter{cache: c, log: log, metrics: m, lost: map[chat.ID]bool{}}
	w.wake = sync.NewCond(&w.mu)
	return w
}

func (w *cacheWriter) add(items []item) {
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
		batch, lost, ok := w.take()
		if !ok { // what is stored and committed nobody adds after us
			w.write(context.WithoutCancel(ctx), batch, lost)
			return
		}
		if !w.write(ctx, batch, lost) {
			pause(ctx, 100*time.Millisecond)
		}
	}
}

func (w *cacheWriter) take() (batch []chat.Message, lost []chat.ID, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 && len(w.lost) == 0 && !w.closed {
		w.wake.Wait()
	}
	batch, w.queue = w.queue, nil
	for id := range w.lost {
		lost = append(lost, id)
	}
	return batch, lost, !w.closed
}

func (w *cacheWriter) write(ctx context.Context, batch []chat.Message, lost []chat.ID) bool {
	ctx, cancel := context.WithTimeout(ctx, pushWithin)
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
	if err := w.cache.AddAll(ctx, batch); err != nil {
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
