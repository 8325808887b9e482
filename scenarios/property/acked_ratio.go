package property

import (
	"fmt"
	"strings"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// MinSamples is how few samples decide nothing, where a floor or bound does not say otherwise.
const MinSamples = 100

// Floor is the least part of the sends intended in a phase that must be acknowledged.
type Floor struct {
	Phase      string
	Label      string  // only conversations of this label; empty: all
	Ratio      float64 // 0.999: all but one in a thousand
	MinSamples int64   // 0: MinSamples
}

// AckedRatio promises that the system works: in each phase that has a floor, at least that part of the sends is
// acknowledged.
func AckedRatio(floors ...Floor) Property {
	return Property{
		Name:    "acked-ratio",
		Promise: "The system accepts what people send.",
		New: func(n Names) Checker {
			return &ackedRatio{evidence: evidence{names: n}, floors: floors, views: ledger.Views{Names: n}}
		},
	}
}

type ackedRatio struct {
	evidence
	floors []Floor
	views  ledger.Views
}

func (c *ackedRatio) Observe(e *history.Event) {
	if !e.Kind.Sighting() {
		c.views.Observe(e)
	}
}

func (c *ackedRatio) Verdict() Verdict {
	var expected, observed []string
	few := false
	for _, f := range c.floors {
		sends, acked := c.tally(f)
		expected = append(expected, fmt.Sprintf("%s at least %.4g %%", group(f.Phase, f.Label), 100*f.Ratio))
		observed = append(observed, fmt.Sprintf("%s %s of %d", group(f.Phase, f.Label), percent(acked, sends), sends))
		switch {
		case sends < least(f.MinSamples):
			few = true
		case float64(acked) < f.Ratio*float64(sends):
			c.witness(f)
		}
	}
	want, got := strings.Join(expected, ", "), strings.Join(observed, ", ")
	switch {
	case len(c.floors) == 0:
		return unknown("no floor", "nothing to judge")
	case few && c.breaks == 0:
		return unknown(want, "too few sends: %s", got)
	}
	return c.verdict(want, "%s", got)
}

func (c *ackedRatio) tally(f Floor) (sends, acked int64) {
	c.each(f, func(m *ledger.Message, _ history.ID) {
		sends++
		if m.Acked {
			acked++
		}
	})
	return sends, acked
}

func (c *ackedRatio) witness(f Floor) {
	c.each(f, func(m *ledger.Message, id history.ID) {
		if !m.Acked {
			c.add(m.SentAt, "%v sent %v to %v: never acknowledged", m.Device, id, m.Conversation)
		}
	})
}

// each visits the sends that a floor speaks of.
func (c *ackedRatio) each(f Floor, visit func(*ledger.Message, history.ID)) {
	for n := range c.views.Messages.All {
		m := &c.views.Messages.All[n]
		if m.Sent && c.views.Phases.Name(c.views.Phases.Index(m.Intended)) == f.Phase && c.labelled(m, f.Label) {
			visit(m, c.views.Messages.IDs[n])
		}
	}
}

func (c *ackedRatio) labelled(m *ledger.Message, label string) bool {
	return label == "" || c.names(c.views.Books.Of(m.Conversation).Label) == label
}

func least(n int64) int64 {
	if n == 0 {
		return MinSamples
	}
	return n
}

func percent(part, all int64) string {
	if all == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%.4g %%", 100*float64(part)/float64(all))
}

// group names a phase and a label.
func group(phase, label string) string {
	if label == "" {
		return phase
	}
	return phase + " " + label
}
