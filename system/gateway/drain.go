package gateway

import (
	"context"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

const (
	drainStep   = 20 * time.Millisecond // between two groups of sessions that are told to leave
	drainWindow = 5 * time.Second       // of a drain without a deadline (document)
	maxNotice   = time.Second           // that a device gets at most between being told and being closed
)

// Drain takes no more connections and lets the sessions go, until all are gone or ctx ends.
//
// Paced, it tells one session after the other, evenly over the time that ctx leaves, to leave within a notice that is
// short beside that time; who is still there when the notice is over is closed. So devices that draw their own moment
// and devices that know nothing of draining come back spread over the same time, and none waits longer than it was told.
// At once, it closes all, as a gateway without the mitigation does.
func (g *Gateway) Drain(ctx context.Context) {
	g.shut(draining)
	all := g.table.all()
	g.cfg.Log.Info("drain", "sessions", len(all), "how", g.cfg.Switches.Drain)
	tick := time.NewTicker(drainStep)
	defer tick.Stop()
	if g.cfg.Switches.Drain == chat.DrainAtOnce {
		for _, s := range all {
			s.close(chat.CloseGoingAway) // a code that names no window
		}
	} else {
		d := newDeparture(ctx, g, all)
		for d.step() && g.next(ctx, tick) {
		}
	}
	for g.connections.Load() > 0 && g.next(ctx, tick) {
	}
}

func (g *Gateway) next(ctx context.Context, tick *time.Ticker) bool {
	select {
	case <-tick.C:
		return true
	case <-ctx.Done():
	case <-g.stop:
	}
	return false
}

// departure is a paced drain under way.
type departure struct {
	g      *Gateway
	all    []*session
	told   int        // of all, from the front
	left   []leaving  // told and not closed, in the order of their ends
	busy   []*session // whose notice is over while they wait for answers
	begin  time.Duration
	over   time.Duration // in which all are told
	notice time.Duration
	end    time.Duration // by when the busy are closed too
}

type leaving struct {
	s  *session
	by time.Duration
}

// newDeparture leaves a tenth of the time for what hangs.
func newDeparture(ctx context.Context, g *Gateway, all []*session) *departure {
	window := drainWindow
	if end, ok := ctx.Deadline(); ok {
		window = max(0, time.Until(end))
	}
	window = window * 9 / 10
	notice := min(maxNotice, window/5)
	now := g.clock()
	return &departure{g: g, all: all, begin: now, over: window - notice, notice: notice, end: now + window}
}

// step does what is due, and says whether more is to come.
func (d *departure) step() bool {
	now := d.g.clock()
	due := len(d.all)
	if past := now - d.begin; past < d.over {
		due = int(float64(len(d.all)) * float64(past) / float64(d.over))
	}
	for ; d.told < due; d.told++ {
		d.tell(d.all[d.told], now)
	}
	for ; len(d.left) > 0 && d.left[0].by <= now; d.left = d.left[1:] {
		d.busy = append(d.busy, d.left[0].s)
	}
	waiting := d.busy[:0]
	for _, s := range d.busy {
		if now < d.end && s.lanes.busy() {
			waiting = append(waiting, s)
		} else {
			s.close(chat.CloseDraining)
		}
	}
	d.busy = waiting
	return d.told < len(d.all) || len(d.left)+len(d.busy) > 0
}

func (d *departure) tell(s *session, now time.Duration) {
	s.answer(wire.ServerFrame{Type: wire.TypeDraining, WindowMS: max(1, d.notice.Milliseconds())})
	d.left = append(d.left, leaving{s, now + d.notice})
}
