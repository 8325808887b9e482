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

// flush writes what is queued, and goes on while the session is closing and more is queued.
func (s *session) flush() {
	for {
		err := s.write(s.take())
		again, bye := s.settle(err)
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

func (s *session) take() *queue {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	q := s.out.queue
	s.out.queue = nil
	return q
}

// settle decides how a flush ends: with more to write now, with the close handshake, with frames that wait for the
// linger, or at rest.
func (s *session) settle(err error) (again bool, bye chat.CloseCode) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = s.g.clock()
	switch {
	case o.ended:
	case err != nil:
		s.stall(err)
	case o.queue != nil && o.code != 0:
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

// write sends a queue, some frames at a time.
func (s *session) write(q *queue) (err error) {
	if q == nil {
		return nil
	}
	defer s.g.recycle(q)
	b := s.g.buffers.Get().(*bytes.Buffer)
	defer s.g.putBuffer(b)
	for rest := q.items; len(rest) > 0; {
		n, size := portion(rest)
		if err == nil && !s.slow() {
			err = s.join(b, rest[:n])
		}
		s.written(size)
		rest = rest[n:]
	}
	return err
}

// portion counts the frames that go into one write.
func portion(items []item) (n, size int) {
	for n < len(items) && (n == 0 || size+len(items[n].data) <= maxJoin) {
		size += len(items[n].data)
		n++
	}
	return n, size
}

// join writes frames with one system call. The library writes each with a context that cannot end, which allocates
// nothing; the connection beneath bounds the time.
func (s *session) join(b *bytes.Buffer, items []item) (err error) {
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

func (s *session) written(size int) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.hold(-size)
}

func (s *session) slow() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return s.out.code == chat.CloseSlowReader
}

// maxSpareBuffer bounds the room that a buffer keeps in the pool.
const maxSpareBuffer = 2 * maxJoin

func (g *Gateway) putBuffer(b *bytes.Buffer) {
	b.Reset()
	if b.Cap() <= maxSpareBuffer {
		g.buffers.Put(b)
	}
}
