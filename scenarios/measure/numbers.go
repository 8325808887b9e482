package measure

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// Numbers is everything measured in one run. Times are seconds since the run began.
type Numbers struct {
	Header     history.Header `json:"header"`
	Duration   Number         `json:"duration_s"` // until the deadline
	Phases     []Phase        `json:"phases"`
	Faults     []Fault        `json:"faults"`
	Plan       Plan           `json:"plan"`
	Totals     Totals         `json:"totals"`
	Sends      []Sends        `json:"sends"`      // by the phase in which they were intended, and label
	Acks       []Grouped      `json:"acks"`       // from intended to acknowledged
	Deliveries []Grouped      `json:"deliveries"` // from intended to shown
	Healing    Healing        `json:"healing"`
	Reconnects Reconnects     `json:"reconnects"`
	Return     Return         `json:"return"`
	Notices    []Notices      `json:"notices"` // that push providers took
	Samples    []Samples      `json:"samples"` // of metrics, by phase
	Timeline   Timeline       `json:"timeline"`
}

// Phase is a stretch of the run; the last one ends with the history.
type Phase struct {
	Name  string `json:"name"`
	Start Number `json:"start_s"`
	End   Number `json:"end_s"`
}

// Fault is what was done to the system; Ended is None where it was never undone.
type Fault struct {
	Text  string `json:"text"`
	Begun Number `json:"begun_s"`
	Ended Number `json:"ended_s"`
}

// Options say how to measure; zero values have defaults.
type Options struct {
	Step time.Duration // of the timeline; 0: a second. A run of more than 600 steps gets longer ones
	Late time.Duration // how late the 99th of a hundred sends may be before the generator counts as behind; 0: 50 ms
}

// Of measures a history in one pass. Where the history is cut or damaged it returns what could be measured together
// with the error.
func Of(r *history.Reader, o Options) (*Numbers, error) {
	m := newMeter(r.Name, o)
	e := history.Event{}
	err := r.Next(&e)
	for ; err == nil; err = r.Next(&e) {
		m.observe(&e)
	}
	n := m.numbers()
	n.Header = r.Header()
	if errors.Is(err, io.EOF) {
		return n, nil
	}
	return n, fmt.Errorf("measure history: %w", err)
}

// meter holds the parts of a measurement while the history goes by.
type meter struct {
	views    ledger.Views
	delivery *Delivery
	acks     acks
	sends    sends
	plan     plan
	totals   Totals
	samples  samples
	timeline timeline
	returns  reconnects
	back     returning
	notices  notices
	healing  healing
	faults   []Fault
	last     time.Duration
}

func newMeter(name ledger.Names, o Options) *meter {
	m := &meter{views: ledger.Views{Names: name}, plan: newPlan(o.Late), timeline: newTimeline(o.Step), back: newReturning()}
	m.delivery, m.acks.views, m.sends.views, m.samples.views = NewDelivery(&m.views), &m.views, &m.views, &m.views
	return m
}

func (m *meter) observe(e *history.Event) {
	m.views.Observe(e)
	m.delivery.Observe(e)
	m.acks.observe(e)
	m.sends.observe(e)
	m.plan.observe(e)
	m.totals.observe(e, m.views.Names)
	m.samples.observe(e)
	m.timeline.observe(e, &m.views)
	m.returns.observe(e, &m.views, &m.timeline)
	m.back.observe(e, &m.views)
	m.notices.observe(e, &m.views)
	m.fault(e)
	m.healing.observe(e, &m.views)
	m.last = max(m.last, e.At)
}

func (m *meter) fault(e *history.Event) {
	switch text := m.views.Names; e.Kind {
	case history.FaultBegun:
		m.faults = append(m.faults, Fault{text(e.Text), seconds(e.At), None()})
	case history.FaultEnded:
		for i := len(m.faults) - 1; i >= 0; i-- {
			if f := &m.faults[i]; f.Text == text(e.Text) && f.Ended != f.Ended {
				f.Ended = seconds(e.At)
				return
			}
		}
	}
}

func (m *meter) numbers() *Numbers {
	m.delivery.Finish()
	deadline, _ := m.views.Phases.Deadline()
	return &Numbers{
		Duration: seconds(deadline), Phases: m.phases(), Faults: m.faults, Plan: m.plan.result(), Totals: m.totals, Sends: m.sends.list(),
		Acks: m.acks.groups.list(&m.views), Deliveries: m.delivery.groups.list(&m.views), Samples: m.samples.list(),
		Reconnects: m.returns.result(), Return: m.back.result(), Notices: m.notices.all, Healing: m.healing.result(&m.views),
		Timeline: m.timeline.result(m.views.Names),
	}
}

func (m *meter) phases() (all []Phase) {
	p := &m.views.Phases
	for i, name := range p.Names {
		end := m.last
		if i+1 < len(p.Begins) {
			end = p.Begins[i+1]
		}
		all = append(all, Phase{name, seconds(p.Begins[i]), seconds(end)})
	}
	return all
}
