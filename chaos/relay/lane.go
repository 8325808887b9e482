package relay

import (
	"sync"
	"time"
)

// lane shares one direction's bandwidth among the link's connections: each piece occupies the wire for a time, one after the other.
type lane struct {
	mu   sync.Mutex
	next time.Time // when the wire is free again
}

// slice is how long one piece may occupy a lane: short enough that connections share it fairly.
const slice = 10 * time.Millisecond

// piece is how many of n bytes go onto a lane of the given bandwidth at once.
func piece(n int, bytesPerSecond int64) int {
	return min(n, max(1, int(bytesPerSecond*int64(slice)/int64(time.Second))))
}

// reserve takes the wire for n bytes and returns how long it takes until the last of them has left.
func (l *lane) reserve(n int, bytesPerSecond int64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	l.next = l.next.Add(time.Duration(int64(n) * int64(time.Second) / bytesPerSecond))
	return l.next.Sub(now)
}

// free forgets reservations that were made at another bandwidth.
func (l *lane) free() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = time.Time{}
}
