package edge

import (
	"sync"
	"time"
)

// epochs numbers connections: each number is larger than every one before it from this process, and across processes
// as their clocks are. Microseconds since 1970 stay below 2^53 until the year 2255.
type epochs struct {
	mu   sync.Mutex
	last int64
}

func (e *epochs) next(now time.Time) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = max(e.last+1, now.UnixMicro())
	return e.last
}
