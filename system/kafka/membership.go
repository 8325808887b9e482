package kafka

import (
	"math"
	"sync"
	"time"
)

// membership knows since when a member has had no generation.
type membership struct {
	mu     sync.Mutex
	once   bool // it has been a member
	member bool
	left   time.Time
}

func (m *membership) join() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.once, m.member = true, true
}

func (m *membership) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.member {
		m.member, m.left = false, time.Now()
	}
}

// away is how long the member has not belonged to its group: for ever, if it never has.
func (m *membership) away() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.member:
		return 0
	case !m.once:
		return math.MaxInt64
	}
	return time.Since(m.left)
}
