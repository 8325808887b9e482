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
	reads   *redis.Reads // nil: nobody's reading is kept
	commit  func(next int64)
	mutant  string
	log     *slog.Logger
	metrics metrics

	mu      sync.Mutex
	wake    *sync.Cond
	queue   []chat.Message
	commits []dueCommit // in log order
	lost    map[chat.ID]bool
	own     map[redis.ReadMark]int64 // seq that senders have read, by mark without one, which the cache lacks
	closed  bool
}

type dueCommit struct {
	next int64
	at   time.Time // it waits no longer than this
}

func newCacheWriter(cfg Config, commit func(next int64), m metrics) *cacheWriter {
	w := &cacheWriter{cache: cfg.Cache, commit: commit, mutant: cfg.Switches.Mutant, log: cfg.Logger, metrics: m, lost: map[chat.ID]bool{}, own: map[redis.ReadMark]int64{}}
	if cfg.Switches.Receipts {
		w.reads = cfg.Reads
	}
	w.wake = sync.NewCond(&w.mu)
	return w
}

// add takes items whose rows are stored, and what may be committed once the cache has them.
func (w *cacheWriter) add(items []item, next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, it := range items {
		switch {
		case !it.placed || w.withholds(it):
			continue
		case len(w.queue) >= maxCacheQueue:
			w.lost[it.message.ConversationID] = true
		default:
			w.queue = append(w.queue, it.message)
		}
		w.readOwn(it.message)
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
		p, ok := w.take()
		if !ok { // what is stored nobody adds after us, or the next worker does once more
			w.settle(p.commits, w.write(context.WithoutCancel(ctx), p))
			return
		}
		done := w.write(ctx, p)
		w.settle(p.commits, done)
		if !done {
			pause(ctx, resilience.FanoutCache.Policy().Backoff.First)
		}
	}
}

// portion is what the cache is told at once.
type portion struct {
	messages []chat.Message
	lost     []chat.ID
	own      []redis.ReadMark
	commits  int // that were due when it was taken
}

func (w *cacheWriter) take() (p portion, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 && len(w.lost) == 0 && len(w.own) == 0 && len(w.commits) == 0 && !w.closed {
		w.wake.Wait()
	}
	p.messages, w.queue = w.queue, nil
	for id := range w.lost {
		p.lost = append(p.lost, id)
	}
	for mark, seq := range w.own {
		mark.Seq = seq
		p.own = append(p.own, mark)
	}
	p.commits = len(w.commits)
	return p, !w.closed
}

// readOwn lets the sender of a message have read it; the lock is held. What does not fit the cache lacks for the life of
// what it has.
func (w *cacheWriter) readOwn(m chat.Message) {
	mark := redis.ReadMark{User: m.SenderID, Conversation: m.ConversationID}
	if old, waits := w.own[mark]; w.reads != nil && m.Place.Seq > old && (waits || len(w.own) < maxCacheQueue) {
		w.own[mark] = m.Place.Seq
	}
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

func (w *cacheWriter) write(ctx context.Context, p portion) bool {
	ctx, cancel := context.WithTimeout(ctx, resilience.FanoutCache.Timeout())
	defer cancel()
	for _, id := range p.lost {
		if err := w.cache.Drop(ctx, id); err != nil {
			w.fail(p.messages, err)
			return false
		}
		w.mu.Lock()
		delete(w.lost, id)
		w.mu.Unlock()
	}
	if len(p.messages) > 0 {
		if err := deadletter.Guard(func() error { return w.cache.AddAll(ctx, p.messages) }); err != nil {
			w.fail(p.messages, err)
			return false
		}
	}
	if len(p.own) > 0 {
		if err := w.reads.Raise(ctx, p.own...); err != nil {
			w.fail(nil, err)
			return false
		}
	}
	w.raised(p.own)
	return true
}

// raised forgets the marks that the cache has.
func (w *cacheWriter) raised(own []redis.ReadMark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range own {
		if at := (redis.ReadMark{User: m.User, Conversation: m.Conversation}); w.own[at] == m.Seq {
			delete(w.own, at)
		}
	}
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
