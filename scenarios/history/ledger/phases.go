package ledger

import (
	"sort"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
)

// Names of phases. A run's deadline is the beginning of its end.
const (
	Steady   = "steady"
	Fault    = "fault"
	Recovery = "recovery"
	End      = "end"
)

// Phases says in which phase a time lies.
type Phases struct {
	Names  []string
	Begins []time.Duration
	last   time.Duration
}

// Observe takes notice of an event.
func (p *Phases) Observe(e *history.Event, name Names) {
	p.last = max(p.last, e.At)
	if e.Kind == history.Phase {
		p.Names, p.Begins = append(p.Names, name(e.Text)), append(p.Begins, e.At)
	}
}

// Index is the number of the phase in which a time lies; -1 before the first.
func (p *Phases) Index(t time.Duration) int {
	return sort.Search(len(p.Begins), func(i int) bool { return p.Begins[i] > t }) - 1
}

// Name is the name of a phase by its number; empty before the first.
func (p *Phases) Name(i int) string {
	if i < 0 {
		return ""
	}
	return p.Names[i]
}

// Deadline is when the end begins, and whether it did. A history without an end ends with its last event.
func (p *Phases) Deadline() (time.Duration, bool) {
	for i, n := range p.Names {
		if n == End {
			return p.Begins[i], true
		}
	}
	return p.last, false
}
