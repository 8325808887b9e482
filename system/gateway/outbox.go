package gateway

import (
	"slices"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// outbox is what waits for a session's socket, in order. Nothing runs and next to nothing is held while it is empty. The
// first frame after a pause is written at once; frames that follow wait until the linger has passed since the last
// write, and then go together: an idle chat has no added latency, and a busy one joins frames.
type outbox struct {
	mu    sync.Mutex
	queue *queue         // nil: nothing waits
	bytes int            // in queue and being written
	armed bool           // a flush runs, or the timer will start one; a count of Gateway.work goes with it
	timer *time.Timer    // nil until frames had to wait for the first time
	last  time.Duration  // clock of the last write
	code  chat.CloseCode // with which the session is closing; 0: it is not
	ended bool           // nobody reads the socket any more
}

// queue is pooled, so that only sessions with output have one.
type queue struct{ items []item }

// item is a message's text, shared with other outboxes and never changed, or a whole control frame.
type item struct {
	data    []byte
	control bool
}

// push queues a text frame for the device. It never waits; false means that the session is ending, and says so by its
// close code.
func (s *session) push(frame []byte) bool { return s.enqueue(item{data: frame}) }

func (s *session) enqueue(it item) bool {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.code != 0 || o.ended {
		return false
	}
	if o.bytes+len(it.data) > s.g.cfg.Limits.OutboxBytes {
		s.closeLocked(chat.CloseSlowReader)
		return false
	}
	if o.queue == nil {
		o.queue = s.g.queues.Get().(*queue)
	}
	o.queue.items = append(o.queue.items, it)
	s.hold(len(it.data))
	if !o.armed {
		o.armed = true
		s.g.work.Add(1)
		s.arm()
	}
	return true
}

// hold counts bytes that wait; the lock is held.
func (s *session) hold(bytes int) {
	s.out.bytes += bytes
	s.g.outbox.Add(int64(bytes))
}

// arm starts a flush when the linger has passed since the last; the lock is held.
func (s *session) arm() {
	o := &s.out
	wait := o.last + s.g.cfg.Limits.Linger - s.g.clock()
	switch {
	case o.last == 0 || wait <= 0:
		go s.flush()
	case o.timer == nil:
		o.timer = time.AfterFunc(wait, s.flush)
	default:
		o.timer.Reset(wait)
	}
}

// disarm is the end of what arm began; the lock is held.
func (s *session) disarm() {
	s.out.armed = false
	s.g.work.Done()
}

// close ends the session with a code. What is queued goes out before; only a slow reader loses it, and resumes.
func (s *session) close(code chat.CloseCode) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.closeLocked(code)
}

func (s *session) closeLocked(code chat.CloseCode) {
	o := &s.out
	if o.code != 0 || o.ended {
		return
	}
	o.code = code
	s.g.metrics.closed(code)
	if code == chat.CloseSlowReader {
		s.drop()
	}
	switch {
	case !o.armed:
		o.armed = true
		s.g.work.Add(1)
		go s.flush()
	case o.timer != nil && o.timer.Stop():
		go s.flush()
	} // else a flush runs, and sees the code before it rests
}

// drop forgets what is queued; the lock is held.
func (s *session) drop() {
	if q := s.out.queue; q != nil {
		s.out.queue = nil
		s.hold(-q.size())
		s.g.recycle(q)
	}
}

// end lets nothing more in and stops what waits; a flush that runs sees it when its write returns.
func (o *outbox) end(s *session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	s.drop()
	if o.timer != nil && o.timer.Stop() {
		s.disarm()
	}
}

func (s *session) closing() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.code != 0
}

func (s *session) ended() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.ended
}

func (q *queue) size() (n int) {
	for _, it := range q.items {
		n += len(it.data)
	}
	return n
}

// moveTo moves frames of at most so many bytes to an empty queue, at least one.
func (q *queue) moveTo(to *queue, bytes int) (size int) {
	n := 0
	for n < len(q.items) && (n == 0 || size+len(q.items[n].data) <= bytes) {
		size += len(q.items[n].data)
		n++
	}
	to.items = append(to.items, q.items[:n]...)
	q.items = slices.Delete(q.items, 0, n)
	return size
}

func (q *queue) clear() {
	clear(q.items) // the frames may be collected
	q.items = q.items[:0]
}

// maxSpareItems bounds the room that a recycled queue keeps.
const maxSpareItems = 1024

func (g *Gateway) recycle(q *queue) {
	q.clear()
	if cap(q.items) <= maxSpareItems {
		g.queues.Put(q)
	}
}
