package property

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
	"github.com/chatlab/chatlab/scenarios/measure"
)

// Bound is how long deliveries may take whose sends were intended in a phase. A limit of 0 is none.
type Bound struct {
	Phase              string
	Label              string // only conversations of this label; empty: all
	P50, P90, P99, Max time.Duration

	// Unharmed also bounds the p99 by that of the steady phase: at most Factor times it, or Slack above it.
	Unharmed bool
	Factor   float64       // 0: 1.2
	Slack    time.Duration // 0: 10 ms

	MinSamples int64 // 0: MinSamples
}

// DeliveryLag promises that messages reach devices in time: measured from the intended time of the send until a device
// shows it. What a device should have shown and never did counts with the time until the deadline.
func DeliveryLag(bounds ...Bound) Property {
	return Property{
		Name:    "delivery-lag",
		Promise: "Messages reach devices in time.",
		New: func(n Names) Checker {
			c := &deliveryLag{evidence: evidence{names: n}, bounds: bounds, views: ledger.Views{Names: n}}
			c.delivery = measure.NewDelivery(&c.views)
			return c
		},
	}
}

type deliveryLag struct {
	evidence
	bounds   []Bound
	views    ledger.Views
	delivery *measure.Delivery
}

func (c *deliveryLag) Observe(e *history.Event) {
	if e.Kind == history.Raw {
		return
	}
	c.views.Observe(e)
	c.delivery.Observe(e)
}

func (c *deliveryLag) Verdict() Verdict {
	c.delivery.Finish()
	groups := c.delivery.ByGroup()
	var expected, observed []string
	few := false
	for _, b := range c.bounds {
		l, steady := groups[measure.Group{Phase: b.Phase, Label: b.Label}], groups[measure.Group{Phase: ledger.Steady, Label: b.Label}]
		limits := b.limits(steady)
		expected = append(expected, group(b.Phase, b.Label)+" "+limits.String())
		observed = append(observed, group(b.Phase, b.Label)+" "+told(l))
		if l.Count() < least(b.MinSamples) || b.Unharmed && steady.Count() < least(b.MinSamples) {
			few = true
			continue
		}
		if limits.passed(l) {
			c.witness(b, l)
		}
	}
	want, got := strings.Join(expected, ", "), strings.Join(observed, ", ")
	switch {
	case len(c.bounds) == 0:
		return unknown("no bound", "nothing to judge")
	case few && c.breaks == 0:
		return unknown(want, "too few deliveries: %s", got)
	}
	return c.verdict(want, "%s", got)
}

func (c *deliveryLag) witness(b Bound, l *measure.Latency) {
	for _, s := range l.Worst() {
		how := "showed it after"
		if s.Missing {
			how = "never showed it and had waited"
		}
		c.add(s.At, "%v: %v %v %v: %v", s.Identity, s.Device, how, s.Took.Round(time.Microsecond), group(b.Phase, b.Label))
	}
}

// limits are the bounds of a phase, in numbers.
type limits struct{ p50, p90, p99, max time.Duration }

func (b Bound) limits(steady *measure.Latency) limits {
	l := limits{b.P50, b.P90, b.P99, b.Max}
	if b.Unharmed {
		factor, slack := cmp.Or(b.Factor, 1.2), cmp.Or(b.Slack, 10*time.Millisecond)
		base := steady.At(.99)
		l.p99 = max(time.Duration(factor*float64(base)), base+slack)
	}
	return l
}

// passed says whether a limit is passed.
func (l limits) passed(by *measure.Latency) bool {
	return over(by.At(.5), l.p50) || over(by.At(.9), l.p90) || over(by.At(.99), l.p99) || over(by.Max(), l.max)
}

func over(d, limit time.Duration) bool { return limit > 0 && d > limit }

func (l limits) String() string {
	var parts []string
	for _, p := range []struct {
		name  string
		limit time.Duration
	}{{"p50", l.p50}, {"p90", l.p90}, {"p99", l.p99}, {"max", l.max}} {
		if p.limit > 0 {
			parts = append(parts, fmt.Sprintf("%s at most %v", p.name, p.limit))
		}
	}
	return strings.Join(parts, " and ")
}

// told writes what was measured.
func told(l *measure.Latency) string {
	if l.Count() == 0 {
		return "nothing"
	}
	return fmt.Sprintf("p50 %v, p90 %v, p99 %v, max %v of %d, %d of them never came", l.At(.5), l.At(.9), l.At(.99), l.Max(), l.Count(), l.Missing())
}
