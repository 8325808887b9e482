package gateway

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// sweeper looks at all sessions when the first of them is due, but not all the time: one goroutine and one timer stand
// for the pings, idle limits and token expiries of all connections.
type sweeper struct {
	every time.Duration // at least, between two sweeps: the precision of what is swept
	next  atomic.Int64  // clock at which the next sweep is planned
	wake  chan struct{}
}

func (w *sweeper) init(ping time.Duration) {
	w.every = sweepEvery(ping)
	w.next.Store(math.MaxInt64)
	w.wake = make(chan struct{}, 1)
}

// expect moves the next sweep forward for a session that is due earlier.
func (w *sweeper) expect(due time.Duration) {
	if int64(due) >= w.next.Load() {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// sweep is the sweeper's loop.
func (g *Gateway) sweep() {
	w := &g.sweeper
	timer := time.NewTimer(math.MaxInt64)
	defer timer.Stop()
	last := -w.every
	for {
		select {
		case <-g.stop:
			return
		case <-w.wake:
			timer.Reset(max(0, last+w.every-g.clock()))
		case <-timer.C:
			last = g.clock()
			w.next.Store(math.MaxInt64) // a session that comes meanwhile is looked at again
			due := g.sweepOnce(last, g.cfg.Now())
			w.next.Store(int64(due))
			timer.Reset(max(w.every, due-last))
		}
	}
}

func (g *Gateway) sweepOnce(now time.Duration, wall time.Time) time.Duration {
	due := time.Duration(math.MaxInt64)
	g.table.each(func(s *session) {
		s.tend(now, wall)
		due = min(due, s.due(now, wall))
	})
	return due
}

// tend does what time asks of the session.
func (s *session) tend(now time.Duration, wall time.Time) {
	switch {
	case s.expired(wall):
		s.close(chat.CloseTokenExpired)
	case s.idleAt() <= now:
		s.close(chat.CloseIdle)
	case s.pingAt() <= now:
		s.enqueue(item{data: []byte{pingFrame, 0}, control: true}) // any byte that comes back is a sign of life
		s.pinged = now
	}
}

// due says when time next asks something of the session.
func (s *session) due(now time.Duration, wall time.Time) time.Duration {
	left := time.Duration(s.expires.Load() - wall.UnixNano())
	return min(now+left, s.idleAt(), s.pingAt())
}

func (s *session) expired(wall time.Time) bool { return s.expires.Load() <= wall.UnixNano() }

func (s *session) idleAt() time.Duration {
	return time.Duration(s.framed.Load()) + s.g.cfg.Limits.Idle
}

func (s *session) pingAt() time.Duration {
	return max(time.Duration(s.heard.Load()), s.pinged) + s.g.cfg.Limits.Ping
}

// nanoseconds is a time that fits what expires holds, which ends in the year 2262.
func nanoseconds(t time.Time) int64 {
	if latest := time.Unix(0, math.MaxInt64); t.After(latest) {
		return math.MaxInt64
	}
	return t.UnixNano()
}

// Whole control frames begin so when a server sends them, unmasked.
const (
	pingFrame = 0x89
	pongFrame = 0x8a
)

// pong answers a ping through the outbox, so that a device which does not read cannot hold up its own reader here.
func (s *session) pong(_ context.Context, payload []byte) bool {
	if s.hurry() > 0 {
		return false // a flood of pings gets no answers
	}
	frame := append([]byte{pongFrame, byte(len(payload))}, payload...) // the library lets at most 125 bytes through
	s.enqueue(item{data: frame, control: true})
	return false
}
