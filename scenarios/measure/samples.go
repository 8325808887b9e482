package measure

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// Samples sums up one metric with one set of labels in one phase.
type Samples struct {
	Name  string `json:"name"`
	Label string `json:"label,omitempty"`
	Unit  string `json:"unit"`
	Phase string `json:"phase"`
	Count int64  `json:"count"`
	Min   Number `json:"min"`
	Mean  Number `json:"mean"`
	Max   Number `json:"max"`
	Last  Number `json:"last"`
	Span  Number `json:"span_s"` // from the first sample to the last
}

type samples struct {
	views *ledger.Views
	all   map[sampled]*summed
}

type summed struct {
	Samples
	first time.Duration
}

type sampled struct {
	name, label history.ID
	phase       int
}

func (s *samples) observe(e *history.Event) {
	if e.Kind != history.Metric || math.IsNaN(e.Value) {
		return
	}
	key := sampled{e.Text, e.Label, s.views.Phases.Index(e.At)}
	m, v := s.all[key], Number(e.Value)
	if m == nil {
		if s.all == nil {
			s.all = make(map[sampled]*summed)
		}
		name := s.views.Names
		m = &summed{first: e.At, Samples: Samples{Name: name(e.Text), Label: name(e.Label), Unit: name(e.Unit), Phase: s.views.Phases.Name(key.phase), Min: v, Max: v}}
		s.all[key] = m
	}
	m.Count++
	m.Min, m.Max, m.Last = min(m.Min, v), max(m.Max, v), v
	m.Span = Number((e.At - m.first).Seconds())
	m.Mean += (v - m.Mean) / Number(m.Count)
}

func (s *samples) list() []Samples {
	var all []Samples
	for _, m := range s.all {
		all = append(all, m.Samples)
	}
	slices.SortFunc(all, func(a, b Samples) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Label, b.Label), order(s.views, a.Phase, b.Phase))
	})
	return all
}
