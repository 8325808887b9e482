package relay

import "time"

// Fault is what a link does to its traffic besides forwarding it. The zero value does nothing.
type Fault struct {
	// ForwardLatency delays every byte that From sends, BackwardLatency every byte that To sends.
	ForwardLatency, BackwardLatency time.Duration
	// Jitter adds to every delay a share of itself that Config.Seed, the connection's number and the segment's number decide.
	Jitter time.Duration
	// BytesPerSecond limits each direction, all connections together; 0 means no limit.
	BytesPerSecond int64
	// CutForward and CutBackward make a direction a black hole: see Link.Cut.
	CutForward, CutBackward bool
	// Refuse resets connections and refuses dials: see Link.Refuse.
	Refuse bool
}

// plus is two faults at once: delays add up, the narrower bandwidth counts, a cut is a cut.
func (f Fault) plus(g Fault) Fault {
	f.ForwardLatency += g.ForwardLatency
	f.BackwardLatency += g.BackwardLatency
	f.Jitter += g.Jitter
	if g.BytesPerSecond > 0 && (f.BytesPerSecond == 0 || g.BytesPerSecond < f.BytesPerSecond) {
		f.BytesPerSecond = g.BytesPerSecond
	}
	f.CutForward = f.CutForward || g.CutForward
	f.CutBackward = f.CutBackward || g.CutBackward
	f.Refuse = f.Refuse || g.Refuse
	return f
}

// Impose adds a fault to those that the link has, and returns how to take exactly this one away again, once.
func (l *Link) Impose(f Fault) (lift func() error, err error) {
	imposed := &f
	err = l.change(func() { l.imposed = append(l.imposed, imposed) })
	return func() error {
		return l.change(func() {
			for i := range l.imposed {
				if l.imposed[i] == imposed {
					l.imposed = append(l.imposed[:i:i], l.imposed[i+1:]...)
					return
				}
			}
		})
	}, err
}

// SetLatency delays every byte by the given time in each direction; a new connection costs one round trip.
// A byte's delay counts from when the link read it, so throughput is untouched as long as no more than 256 KB are under way.
func (l *Link) SetLatency(forwards, backwards time.Duration) {
	l.edit(func(f *Fault) { f.ForwardLatency, f.BackwardLatency = max(0, forwards), max(0, backwards) })
}

// SetJitter adds up to limit to every delay. Order is kept.
func (l *Link) SetJitter(limit time.Duration) {
	l.edit(func(f *Fault) { f.Jitter = max(0, limit) })
}

// SetBandwidth limits the link to a number of bytes per second in each direction, shared by its connections; 0 lifts the limit.
func (l *Link) SetBandwidth(bytesPerSecond int64) {
	l.edit(func(f *Fault) { f.BytesPerSecond = max(0, bytesPerSecond) })
}

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

// Cut makes the link a black hole in a direction: living connections stay, their bytes (and ends) are held, and dials hang.
// Heal delivers everything: a partition that heals. Cutting one way and then the other cuts both.
func (l *Link) Cut(direction Direction) error {
	return l.setOwn(func(f *Fault) {
		f.CutForward = f.CutForward || direction != Backward
		f.CutBackward = f.CutBackward || direction != Forward
	})
}

// Refuse resets every living connection and refuses dials until Heal, as a host without a listener does.
func (l *Link) Refuse() error {
	return l.setOwn(func(f *Fault) { f.Refuse = true })
}

// Heal undoes every fault, imposed ones too: held bytes are delivered, hanging dials go on. It may be repeated if it fails.
func (l *Link) Heal() error {
	return l.change(func() { l.own, l.imposed = Fault{}, nil })
}

// Healthy tells whether the link is without any fault.
func (l *Link) Healthy() bool {
	l.setting.Lock()
	defer l.setting.Unlock()
	return l.now.Load().clear == [2]bool{true, true} && l.door.state == open
}

// Fault is the sum of what the link does now.
func (l *Link) Fault() Fault {
	c := l.now.Load()
	return Fault{
		ForwardLatency: c.latency[forward], BackwardLatency: c.latency[backward], Jitter: c.jitter, BytesPerSecond: c.bandwidth,
		CutForward: c.cut[forward], CutBackward: c.cut[backward], Refuse: c.refuse,
	}
}

// edit changes the link's own fault in a way that leaves the door as it is.
func (l *Link) edit(set func(*Fault)) { _ = l.setOwn(set) }

func (l *Link) setOwn(set func(*Fault)) error {
	return l.change(func() { set(&l.own) })
}

// change edits the faults and puts their sum into force, for living connections too.
func (l *Link) change(edit func()) error {
	l.setting.Lock()
	defer l.setting.Unlock()
	edit()
	sum := l.own
	for _, f := range l.imposed {
		sum = sum.plus(*f)
	}
	now := newConditions(sum)
	before := l.now.Swap(now)
	close(before.changed)
	if now.bandwidth != before.bandwidth {
		l.lanes[forward].free()
		l.lanes[backward].free()
	}
	err := l.door.become(now.entrance())
	l.strike(before, now)
	return err
}

// strike makes living connections feel a cut or a refusal that has just begun.
func (l *Link) strike(before, now *conditions) {
	for _, p := range l.living() {
		switch {
		case now.refuse && !before.refuse:
			p.reset()
		case now.cut[forward] && !before.cut[forward] || now.cut[backward] && !before.cut[backward]:
			p.interrupt()
		}
	}
}
