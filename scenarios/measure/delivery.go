package measure

import (
	"cmp"
	"slices"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// Group is a phase and a label of conversations; an empty label is all conversations.
type Group struct{ Phase, Label string }

// groups holds a histogram for each phase and label.
type groups struct {
	cells map[cell]*Latency
}

type cell struct {
	phase int
	label history.ID
}

func (g *groups) of(phase int, label history.ID) *Latency {
	l := g.cells[cell{phase, label}]
	if l == nil {
		if g.cells == nil {
			g.cells = make(map[cell]*Latency)
		}
		l = NewLatency()
		g.cells[cell{phase, label}] = l
	}
	return l
}

// each calls for all conversations and for the label, if there is one.
func (g *groups) each(phase int, label history.ID, call func(*Latency)) {
	call(g.of(phase, 0))
	if label != 0 {
		call(g.of(phase, label))
	}
}

// Delivery measures how long messages take from the time their send was intended until a device shows them, by the
// phase in which they were intended. The device that sent a message knows it already and does not count. A device that
// was away because it wanted to be is measured from its return.
type Delivery struct {
	views  *ledger.Views
	groups groups
}

// NewDelivery measures with what views know.
func NewDelivery(views *ledger.Views) *Delivery { return &Delivery{views: views} }

// Observe takes notice of an event that views have observed.
func (d *Delivery) Observe(e *history.Event) {
	if m := d.views.Fresh; m != nil && m.Sent && m.Device != e.Device {
		from := max(m.Intended, d.views.Devices.Of(e.Device).Since)
		d.add(m, Sample{Took: e.At - from, At: e.At, Device: e.Device, Identity: e.Identity()})
	}
}

// Finish adds what never came: acknowledged messages that devices should have shown by the deadline. Call it once.
func (d *Delivery) Finish() {
	deadline, _ := d.views.Phases.Deadline()
	d.views.Missing(func(x ledger.Delivery) {
		if x.Connected && x.Device != x.Message.Device {
			took := deadline - max(x.Message.Intended, x.Since)
			d.add(x.Message, Sample{Took: took, At: deadline, Device: x.Device, Identity: x.Identity, Missing: true})
		}
	})
}

func (d *Delivery) add(m *ledger.Message, s Sample) {
	phase, label := d.views.Phases.Index(m.Intended), d.views.Books.Of(m.Conversation).Label
	d.groups.each(phase, label, func(l *Latency) { l.Add(s) })
}

// ByGroup is the histogram of each group; a phase that comes twice is one group.
func (d *Delivery) ByGroup() map[Group]*Latency { return d.groups.named(d.views) }

func (g *groups) named(v *ledger.Views) map[Group]*Latency {
	named := make(map[Group]*Latency, len(g.cells))
	for c, l := range g.cells {
		key := Group{v.Phases.Name(c.phase), v.Names(c.label)}
		named[key] = merged(named[key], l)
	}
	return named
}

// Grouped is the quantiles of one group.
type Grouped struct {
	Phase string `json:"phase"`
	Label string `json:"label,omitempty"`
	Quantiles
}

// list is all groups in the order of the phases, then of the labels.
func (g *groups) list(v *ledger.Views) []Grouped {
	var all []Grouped
	for key, l := range g.named(v) {
		all = append(all, Grouped{key.Phase, key.Label, l.Quantiles()})
	}
	slices.SortFunc(all, func(a, b Grouped) int {
		return cmp.Or(order(v, a.Phase, b.Phase), cmp.Compare(a.Label, b.Label))
	})
	return all
}

// acks measures how long sends take from the time they were intended until they are acknowledged.
type acks struct {
	views  *ledger.Views
	groups groups
}

func (a *acks) observe(e *history.Event) {
	if e.Kind != history.Acked {
		return
	}
	if m := a.views.Messages.Find(e.ClientMsg); m != nil && m.Sent && m.AckedAt == e.At {
		phase, label := a.views.Phases.Index(m.Intended), a.views.Books.Of(m.Conversation).Label
		a.groups.each(phase, label, func(l *Latency) { l.Record(e.At - m.Intended) })
	}
}
