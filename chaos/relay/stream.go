package relay

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"time"
)

// A stream reads into a buffer that starts small, for idle connections are many, and grows while reads fill it.
const (
	firstBuffer = 4 << 10
	lastBuffer  = 64 << 10
)

// forever is a wait that only an event ends.
const forever = time.Duration(-1)

// stream is one direction of a connection.
//
// Without a fault its one goroutine reads and writes in turn (the fast path). A fault is noticed after the read, so a
// stream that lives already is caught however long it has been waiting: from then on bytes go through the queue, from which
// a second goroutine delivers. When the fault is gone and the queue is empty, that goroutine ends and the fast path is back.
type stream struct {
	pair     *pair
	way      way
	src, dst net.Conn
	queue    *queue
}

// run reads until src ends.
func (s *stream) run() {
	buffer := make([]byte, firstBuffer)
	for {
		n, err := s.src.Read(buffer)
		if n > 0 && !s.pass(buffer[:n]) {
			return
		}
		if err != nil {
			s.end(err)
			return
		}
		if n == len(buffer) && n < lastBuffer {
			buffer = make([]byte, 2*n)
		}
	}
}

// pass delivers bytes now if nothing stands in their way, else queues them; false means that the stream is over.
func (s *stream) pass(bytes []byte) bool {
	s.pair.link.count.bytes[s.way].Add(int64(len(bytes)))
	if s.conditions().clear[s.way] && s.queue.idle() {
		n, err := s.dst.Write(bytes)
		if err == nil {
			return true
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			s.fail(err)
			return false
		}
		bytes = bytes[n:] // Cut interrupted the write
	}
	s.pair.link.count.held.Add(int64(len(bytes)))
	s.push(parcel{bytes: slices.Clone(bytes)})
	return s.waitForRoom()
}

// end passes on how src ended.
func (s *stream) end(err error) {
	switch {
	case s.pair.over():
	case errors.Is(err, io.EOF):
		s.push(parcel{end: halfDone})
	default:
		s.push(parcel{end: broken})
	}
}

// fail tells src, after the time that news needs to travel back, that dst takes no more.
func (s *stream) fail(err error) {
	if s.pair.over() {
		return
	}
	s.pair.link.config.Logger.Debug("write failed", "error", err)
	s.pair.streams[1-s.way].push(parcel{end: broken})
}

func (s *stream) push(p parcel) {
	p.at = time.Now()
	if s.queue.push(p) {
		s.pair.running.Go(s.deliver)
	}
}

func (s *stream) waitForRoom() bool {
	for s.queue.full() {
		select {
		case <-s.queue.room:
		case <-s.pair.ctx.Done():
			return false
		}
	}
	return true
}

// deliver writes what the queue holds, when it is due, until the fast path may take over or the connection ends.
func (s *stream) deliver() {
	for s.wait() {
		c := s.conditions()
		bytes, end := s.queue.take(func(p parcel) bool { return s.due(c, p) <= 0 })
		if len(bytes) > 0 && !s.write(bytes) {
			return
		}
		switch end {
		case halfDone:
			s.halfClose()
		case broken:
			s.pair.reset()
			return
		}
	}
}

// wait returns true when a parcel is due, false when the goroutine has nothing more to do.
func (s *stream) wait() bool {
	for {
		c, pause := s.conditions(), forever
		front, held := s.queue.front()
		switch {
		case !held && c.clear[s.way]:
			if s.queue.rest() {
				return false
			}
			continue
		case held && !c.cut[s.way]:
			if pause = s.due(c, front); pause <= 0 {
				return true
			}
		}
		if !s.pause(c, pause) {
			return false
		}
	}
}

// cross waits as long as something needs that sets out now and arrives at the far end; false means the connection ended first.
func (s *stream) cross() bool {
	start := parcel{at: time.Now()}
	for {
		c, pause := s.conditions(), forever
		if !c.cut[s.way] {
			if pause = s.due(c, start); pause <= 0 {
				return true
			}
		}
		if !s.pause(c, pause) {
			return false
		}
	}
}

// write puts due bytes on the wire, piece by piece if the bandwidth is limited, and stops for a cut.
func (s *stream) write(bytes net.Buffers) bool {
	for len(bytes) > 0 {
		c := s.conditions()
		switch {
		case c.cut[s.way]:
			if !s.pause(c, forever) {
				return false
			}
			continue
		case c.bandwidth > 0:
			if !s.occupy(c, bytes[0]) {
				return false
			}
		}
		n, err := s.writeOnce(c, &bytes)
		s.queue.release(n)
		s.pair.link.count.held.Add(-int64(n))
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded): // Cut interrupted the write: clear, then look at the conditions again
			_ = s.dst.SetWriteDeadline(time.Time{})
		case err != nil:
			s.fail(err)
			return false
		}
	}
	return true
}

// writeOnce writes everything, or one piece of the first buffer if the bandwidth is limited.
func (s *stream) writeOnce(c *conditions, bytes *net.Buffers) (int, error) {
	if c.bandwidth == 0 {
		n, err := bytes.WriteTo(s.dst)
		return int(n), err
	}
	first := (*bytes)[0]
	n, err := s.dst.Write(first[:piece(len(first), c.bandwidth)])
	if (*bytes)[0] = first[n:]; n == len(first) {
		*bytes = (*bytes)[1:]
	}
	return n, err
}

// occupy waits until the next piece of bytes has crossed the lane.
func (s *stream) occupy(c *conditions, bytes []byte) bool {
	lane := &s.pair.link.lanes[s.way]
	ahead := lane.reserve(piece(len(bytes), c.bandwidth), c.bandwidth)
	return ahead < time.Millisecond || s.pause(c, ahead) // shorter than a timer can tell: later pieces make up for it
}

// pause waits for a time, for other conditions or, when there is no time to wait for, for a parcel; false means that the connection ended.
func (s *stream) pause(c *conditions, d time.Duration) bool {
	var elapsed <-chan time.Time
	var more chan struct{}
	if d == forever {
		more = s.queue.more
	} else {
		timer := time.NewTimer(d)
		defer timer.Stop()
		elapsed = timer.C
	}
	select {
	case <-elapsed:
	case <-more:
	case <-c.changed:
	case <-s.pair.ctx.Done():
		return false
	}
	return true
}

func (s *stream) conditions() *conditions { return s.pair.link.now.Load() }

// due is how long a parcel still has to travel.
func (s *stream) due(c *conditions, p parcel) time.Duration {
	delay := c.delay(s.way, p.luck)
	if delay == 0 {
		return 0
	}
	return time.Until(p.at.Add(delay))
}

func (s *stream) halfClose() {
	if half, ok := s.dst.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = s.dst.Close()
}
