package relay

import "time"

// Direction says which way a one-way cut goes.
type Direction int

// The directions of a cut.
const (
	Both     Direction = iota
	Forward            // from From to To
	Backward           // from To to From
)

func (d Direction) String() string {
	return [...]string{"both", "forward", "backward"}[d]
}

// way indexes the two directions of a link.
type way int

const (
	forward way = iota
	backward
)

func (d Direction) includes(w way) bool {
	return d == Both || (d == Forward) == (w == forward)
}

// conditions are what a link does to its traffic. A value never changes once it is stored: a setter stores a new one
// and closes the old one's changed channel, which is how every waiting stream learns of it.
type conditions struct {
	latency   [2]time.Duration
	jitter    time.Duration
	bandwidth int64 // bytes per second each way, 0 = unlimited
	cut       [2]bool
	refuse    bool
	clear     [2]bool // no fault in a direction: bytes take the fast path
	changed   chan struct{}
}

func newConditions() *conditions {
	return &conditions{clear: [2]bool{true, true}, changed: make(chan struct{})}
}

// edited returns a changed copy.
func (c *conditions) edited(edit func(*conditions)) *conditions {
	next := *c
	edit(&next)
	next.changed = make(chan struct{})
	for w := range next.clear {
		next.clear[w] = next.latency[w] == 0 && next.jitter == 0 && next.bandwidth == 0 && !next.cut[w] && !next.refuse
	}
	return &next
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

// SetLatency delays every byte by the given time in each direction; a new connection costs one round trip.
// A byte's delay counts from when the link read it, so throughput is untouched as long as no more than 256 KB are under way.
func (l *Link) SetLatency(forwards, backwards time.Duration) {
	l.change(func(c *conditions) { c.latency = [2]time.Duration{max(0, forwards), max(0, backwards)} })
}

// SetJitter adds to every delay a share of max that Config.Seed, the connection's number and the segment's number decide. Order is kept.
func (l *Link) SetJitter(limit time.Duration) {
	l.change(func(c *conditions) { c.jitter = max(0, limit) })
}

// SetBandwidth limits the link to a number of bytes per second in each direction, shared by its connections; 0 lifts the limit.
func (l *Link) SetBandwidth(bytesPerSecond int64) {
	l.change(func(c *conditions) { c.bandwidth = max(0, bytesPerSecond) })
	for w := range l.lanes {
		l.lanes[w].free()
	}
}

// Cut makes the link a black hole in a direction: living connections stay, their bytes (and ends) are held, and dials hang.
// Heal delivers everything: a partition that heals. Cutting one way and then the other cuts both.
func (l *Link) Cut(direction Direction) error {
	err := l.changeDoor(func(c *conditions) {
		for _, w := range []way{forward, backward} {
			c.cut[w] = c.cut[w] || direction.includes(w)
		}
	})
	for _, p := range l.living() {
		p.interrupt()
	}
	return err
}

// Refuse resets every living connection and refuses dials until Heal, as a host without a listener does.
func (l *Link) Refuse() error {
	err := l.changeDoor(func(c *conditions) { c.refuse = true })
	l.ResetAll()
	return err
}

// Heal undoes every fault: held bytes are delivered, hanging dials go on. It may be repeated if it fails.
func (l *Link) Heal() error {
	return l.changeDoor(func(c *conditions) { *c = conditions{} })
}

// Restore undoes Cut and Refuse only, and leaves latency and bandwidth.
func (l *Link) Restore() error {
	return l.changeDoor(func(c *conditions) { c.cut, c.refuse = [2]bool{}, false })
}

// Healthy tells whether the link is without any fault.
func (l *Link) Healthy() bool {
	l.setting.Lock()
	defer l.setting.Unlock()
	return l.now.Load().clear == [2]bool{true, true} && l.door.state == open
}

func (l *Link) change(edit func(*conditions)) {
	l.setting.Lock()
	defer l.setting.Unlock()
	l.replace(edit)
}

func (l *Link) changeDoor(edit func(*conditions)) error {
	l.setting.Lock()
	defer l.setting.Unlock()
	return l.door.become(l.replace(edit).entrance())
}

func (l *Link) replace(edit func(*conditions)) *conditions {
	next := l.now.Load().edited(edit)
	old := l.now.Swap(next)
	close(old.changed)
	return next
}
