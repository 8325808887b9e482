package measure

import (
	"slices"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// reconnectStep is the width of a point of the curve of reconnects: what a gateway feels is a burst, not a mean.
const reconnectStep = 100 * time.Millisecond

// Reconnects is how devices came back after they had lost a connection, until the deadline.
type Reconnects struct {
	Lost    int64    `json:"lost"` // connections that ended though their devices did not want to leave
	Back    int64    `json:"back"`
	Missing int64    `json:"missing"` // devices that are not back at the deadline
	Step    Number   `json:"step_s"`
	First   Number   `json:"first_s"` // when the first of them came back; the curve begins there
	Curve   []Number `json:"curve"`   // devices that came back, by step
	Peak    Number   `json:"peak"`    // of the curve
	Spread  Number   `json:"spread_s"`
	Rush    Number   `json:"rush_s"`         // the same of their first attempts: what a gateway feels, however fast it is
	Tries   Number   `json:"tries_peak"`     // first attempts in a step, at most
	Longest Number   `json:"longest_wait_s"` // from the loss until the device was back
	Most    Number   `json:"most_back_s"`    // from the first loss until 99 of 100 were back
	Missed  int64    `json:"missed"`         // messages sent while a device was without a connection, and shown to it afterwards
	Told    int64    `json:"told"`           // notices to leave within a window
	Overdue Number   `json:"overdue_s"`      // beyond its window, at most, from the notice until the device was back; less than 0: within
}

// reconnects pairs each loss of a connection with the return of its device.
type reconnects struct {
	lost    ledger.Rows[time.Duration] // by device: when, plus one; 0: it is connected, or never was, or left by itself
	due     ledger.Rows[time.Duration] // by device: when the window ends in which it was told to leave; 0: it was not
	away    ledger.Rows[stretch]       // by device: the last time without a connection
	tried   ledger.Rows[time.Duration] // by device: the loss, plus one, after which it has tried to come back
	tries   bins[Number]               // first attempts, by step since the first loss
	asked   int64
	begun   time.Duration // the first loss
	first   time.Duration
	curve   bins[float64]
	last    int
	n       Reconnects
	started bool
	late    bool // Overdue is measured
}

// stretch is a time without a connection, after one that was lost.
type stretch struct{ from, to time.Duration }

func (r *reconnects) observe(e *history.Event, v *ledger.Views, t *timeline) {
	if v.Devices.Ended() {
		return
	}
	r.miss(e, v)
	switch e.Kind {
	case history.Draining:
		r.n.Told++
		*r.due.Of(e.Device) = e.At + e.RetryAfter
	case history.Disconnected:
		d := v.Devices.Of(e.Device)
		if d.Left() && *r.lost.Of(e.Device) > 0 { // it is closed before it was back, and nobody waits for it
			*r.lost.Of(e.Device) = 0
			r.n.Lost--
		}
		if d.Ever && !d.Left() && *r.lost.Of(e.Device) == 0 {
			*r.lost.Of(e.Device) = e.At + 1
			if r.n.Lost++; r.n.Lost == 1 {
				r.begun = e.At
			}
			t.add(columnLosses, e.At)
		}
	case history.Connecting:
		if since := *r.lost.Of(e.Device); since > 0 && *r.tried.Of(e.Device) != since {
			*r.tried.Of(e.Device) = since
			*r.tries.at(int(max(0, e.At-r.begun) / reconnectStep))++
			r.asked++
		}
	case history.Connected:
		if since := *r.lost.Of(e.Device); since > 0 {
			*r.lost.Of(e.Device) = 0
			*r.away.Of(e.Device) = stretch{since - 1, e.At}
			r.back(since-1, e.At)
			r.overdue(e)
			t.add(columnReturns, e.At)
		}
	}
}

// miss counts a message that a device was shown only because it came back.
func (r *reconnects) miss(e *history.Event, v *ledger.Views) {
	m := v.Fresh
	if m == nil || !m.Sent || m.Device == e.Device {
		return
	}
	if a := r.away.Find(e.Device); a != nil && a.to > 0 && m.Intended >= a.from && m.Intended < a.to {
		r.n.Missed++
	}
}

func (r *reconnects) back(lost, at time.Duration) {
	if !r.started {
		r.first, r.started = at, true
	}
	i := int(max(0, at-r.first) / reconnectStep)
	*r.curve.at(i)++
	r.last = max(r.last, i)
	r.n.Back++
	r.n.Longest = max(r.n.Longest, seconds(at-lost))
}

func (r *reconnects) overdue(e *history.Event) {
	due := r.due.Of(e.Device)
	if *due == 0 {
		return
	}
	if late := seconds(e.At - *due); !r.late || late > r.n.Overdue {
		r.n.Overdue, r.late = late, true
	}
	*due = 0
}

func (r *reconnects) result() Reconnects {
	n := r.n
	n.Step, n.First, n.Missing, n.Most, n.Rush = seconds(reconnectStep), seconds(r.first), n.Lost-n.Back, None(), None()
	if r.asked > 0 {
		n.Rush, n.Tries = spread(r.tries.all, r.asked), slices.Max(r.tries.all)
	}
	if !r.started {
		return n
	}
	for i := range r.last + 1 {
		p := Number(*r.curve.at(i))
		n.Curve, n.Peak = append(n.Curve, p), max(n.Peak, p)
	}
	n.Spread, n.Most = spread(n.Curve, n.Back), r.most(n)
	return n
}

// most is when 99 of 100 devices were back, to the step.
func (r *reconnects) most(n Reconnects) Number {
	seen := 0.0
	for i, p := range n.Curve {
		if seen += float64(p); seen >= 0.99*float64(n.Lost) {
			return n.First + Number(i+1)*n.Step - seconds(r.begun)
		}
	}
	return None()
}

// spread is how long the middle nine tenths of the returns took: a few stragglers do not make a burst look wide.
func spread(curve []Number, all int64) Number {
	from, to, seen := -1, 0, 0.0
	for i, p := range curve {
		if seen += float64(p); from < 0 && seen > 0.05*float64(all) {
			from = i
		}
		if to = i; seen >= 0.95*float64(all) {
			break
		}
	}
	return Number(to-from+1) * seconds(reconnectStep)
}
