package relay

import "time"

// way indexes the two directions of a link.
type way int

const (
	forward way = iota
	backward
)

// conditions are the sum of a link's faults. A value never changes once it is stored: a change stores a new one and closes the
// old one's changed channel, which is how every waiting stream learns of it.
type conditions struct {
	latency   [2]time.Duration
	jitter    time.Duration
	bandwidth int64 // bytes per second each way, 0 = unlimited
	cut       [2]bool
	refuse    bool
	clear     [2]bool // no fault in a direction: bytes take the fast path
	changed   chan struct{}
}

func newConditions(f Fault) *conditions {
	c := &conditions{
		latency:   [2]time.Duration{f.ForwardLatency, f.BackwardLatency},
		jitter:    f.Jitter,
		bandwidth: f.BytesPerSecond,
		cut:       [2]bool{f.CutForward, f.CutBackward},
		refuse:    f.Refuse,
		changed:   make(chan struct{}),
	}
	for w := range c.clear {
		c.clear[w] = c.latency[w] == 0 && c.jitter == 0 && c.bandwidth == 0 && !c.cut[w] && !c.refuse
	}
	return c
}

// delay is how long something with the given luck (0 to 1) needs to cross.
func (c *conditions) delay(w way, luck float64) time.Duration {
	return c.latency[w] + time.Duration(luck*float64(c.jitter))
}

// entrance is what dialling meets.
func (c *conditions) entrance() entrance {
	switch {
	case c.refuse:
		return shut
	case c.cut[forward] || c.cut[backward]:
		return hung
	default:
		return open
	}
}
