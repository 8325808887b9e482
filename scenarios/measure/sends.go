package measure

import (
	"cmp"
	"slices"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// Sends counts how the sends of a phase and a label ended; an empty label is all conversations.
type Sends struct {
	Phase   string `json:"phase"`
	Label   string `json:"label,omitempty"`
	Sends   int64  `json:"sends"`
	Acked   int64  `json:"acked"`
	Refused int64  `json:"refused"`
	Unknown int64  `json:"unknown"`
	Unsent  int64  `json:"unsent"`
	Open    int64  `json:"open"`           // without an outcome
	AckedIn int64  `json:"acked_in_phase"` // acknowledgements that came in the phase, whenever their sends were intended
}

// sends keeps the last outcome of each send.
type sends struct {
	views *ledger.Views
	ends  ledger.Rows[history.Kind] // by client_msg_id
}

func (s *sends) observe(e *history.Event) {
	if e.Kind.Outcome() {
		*s.ends.Of(e.ClientMsg) = e.Kind
	}
}

func (s *sends) list() []Sends {
	tallies := make(map[Group]*Sends)
	for n := range s.views.Messages.All {
		m := &s.views.Messages.All[n]
		if !m.Sent {
			continue
		}
		end := s.ends.Find(s.views.Messages.IDs[n])
		labels := []string{""}
		if label := s.views.Names(s.views.Books.Of(m.Conversation).Label); label != "" {
			labels = append(labels, label)
		}
		for _, label := range labels {
			tally(tallies, Group{s.phase(m.Intended), label}).add(end)
			if m.Acked {
				tally(tallies, Group{s.phase(m.AckedAt), label}).AckedIn++
			}
		}
	}
	var all []Sends
	for _, t := range tallies {
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b Sends) int {
		return cmp.Or(order(s.views, a.Phase, b.Phase), cmp.Compare(a.Label, b.Label))
	})
	return all
}

func (s *sends) phase(at time.Duration) string { return s.views.Phases.Name(s.views.Phases.Index(at)) }

func tally(m map[Group]*Sends, g Group) *Sends {
	t := m[g]
	if t == nil {
		t = &Sends{Phase: g.Phase, Label: g.Label}
		m[g] = t
	}
	return t
}

func (t *Sends) add(end *history.Kind) {
	t.Sends++
	if end == nil {
		t.Open++
		return
	}
	switch *end {
	case history.Acked:
		t.Acked++
	case history.Refused:
		t.Refused++
	case history.Unknown:
		t.Unknown++
	case history.Unsent:
		t.Unsent++
	}
}

// order compares phases by when they came.
func order(v *ledger.Views, a, b string) int {
	return slices.Index(v.Phases.Names, a) - slices.Index(v.Phases.Names, b)
}
