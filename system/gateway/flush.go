package gateway

import (
	"bytes"
	"context"
	"errors"
	"os"

	"github.com/coder/websocket"

	"github.com/chatlab/chatlab/system/chat"
)

// maxJoin is how many bytes one write to a socket carries, more only for a single larger frame.
const maxJoin = 64 << 10

// flush writes what is queued, as much as one write carries at a time, and goes on while there is more than that or the
// session is closing.
func (s *session) flush() {
	batch, b := s.g.queues.Get().(*queue), s.g.buffers.Get().(*bytes.Buffer)
	defer s.g.recycle(batch)
	defer s.g.putBuffer(b)
	for {
		size, more := s.take(batch)
		err := s.join(b, batch.items)
		batch.clear()
		again, bye := s.settle(size, more, err)
		switch {
		case err != nil:
			s.conn.Close() // the reader sees it and ends the session
		case bye != 0:
			s.goodbye(bye)
		}
		if !again {
			return
		}
	}
}

// take moves what fits into one write from the queue to the batch, and says whether more is queued.
func (s *session) take(batch *queue) (size int, more bool) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.queue == nil {
		return 0, false
	}
	if size = o.queue.moveTo(batch, maxJoin); len(o.queue.items) > 0 {
		return size, true
	}
	s.g.recycle(o.queue)
	o.queue = nil
	return size, false
}

// settle decides how a flush ends: with more to write now, with the close handshake, with frames that wait for the
// linger, or at rest.
func (s *session) settle(size int, more bool, err error) (again bool, bye chat.CloseCode) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = s.g.clock()
	s.hold(-size)
	switch {
	case o.ended:
	case err != nil:
		s.stall(err)
	case o.queue != nil && (more || o.code != 0):
		return true, 0
	case o.queue != nil:
		s.arm()
		return false, 0
	case o.code != 0:
		return false, o.code
	}
	s.disarm()
	return false, 0
}

// stall notes that a write failed; one that took too long is a slow reader's. The lock is held.
func (s *session) stall(err error) {
	o := &s.out
	if o.code == 0 {
		o.code = chat.CloseGoingAway // nobody hears it: the connection is broken
		if errors.Is(err, os.ErrDeadlineExceeded) {
			o.code = chat.CloseSlowReader
			s.g.metrics.closed(o.code)
		}
	}
	s.drop()
}

// goodbye makes the close handshake, for which the library gives the device 5 s each way.
func (s *session) goodbye(code chat.CloseCode) {
	defer func() {
		s.out.mu.Lock()
		defer s.out.mu.Unlock()
		s.disarm()
	}()
	if err := s.ws.Close(websocket.StatusCode(code), closeName(code)); err != nil {
		s.g.cfg.Log.Debug("close handshake", "user", s.user, "code", code, "error", err)
	}
}

func closeName(code chat.CloseCode) string {
	for _, c := range chat.CloseCodes() {
		if c.Code == code {
			return c.Name
		}
	}
	return ""
}

// join writes frames with one system call. The library writes each with a context that cannot end, which allocates
// nothing; the connection beneath bounds the time.
func (s *session) join(b *bytes.Buffer, items []item) (err error) {
	if len(items) == 0 {
		return nil
	}
	s.conn.open(b)
	for _, it := range items {
		if it.control {
			_, err = s.conn.Write(it.data)
		} else {
			err = s.ws.Write(context.Background(), websocket.MessageText, it.data)
		}
		if err != nil {
			break
		}
	}
	if flushErr := s.conn.flush(); err == nil {
		err = flushErr
	}
	s.g.metrics.flushed(len(items))
	return err
}

// maxSpareBuffer bounds the room that a buffer keeps in the pool.
const maxSpareBuffer = 2 * maxJoin

func (g *Gateway) putBuffer(b *bytes.Buffer) {
	b.Reset()
	if b.Cap() <= maxSpareBuffer {
		g.buffers.Put(b)
	}
}
