package redis

import (
	"net"
	"sync"
	"time"
)

// clock makes miniredis' TTLs, which only go down when they are told to, follow package time. It needs no ticker: TTLs go down
// before a command is read, which is the only time that anybody can see them, so that an idle server costs nothing even in
// virtual time. Each time costs a walk over all keys, so that it is done at most every resolution, and takes at most a
// twentieth of the time. A key may expire early by as much as passes between two times.
type clock struct {
	advance func(time.Duration)

	mu    sync.Mutex
	last  time.Time
	pause time.Duration
}

const resolution = time.Millisecond

func newClock(advance func(time.Duration)) *clock {
	return &clock{advance: advance, last: time.Now(), pause: resolution}
}

func (c *clock) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	elapsed := now.Sub(c.last)
	if elapsed < c.pause {
		return
	}
	c.last = now
	c.advance(elapsed)
	c.pause = max(resolution, 20*time.Since(now))
}

// ticking lets the clock tick whenever a client's command arrives.
type ticking struct {
	net.Conn
	clock *clock
}

func (t *ticking) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if n > 0 {
		t.clock.tick()
	}
	return n, err
}
