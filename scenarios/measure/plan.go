package measure

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
)

// Plan says whether the load was offered as planned. An open-loop generator that falls behind offers less than the
// scenario claims; latencies are still right, for they are measured from the intended times.
type Plan struct {
	Sends  int64  `json:"sends"`
	P50    Number `json:"late_p50_s"` // actual after intended time
	P99    Number `json:"late_p99_s"`
	Max    Number `json:"late_max_s"`
	Behind bool   `json:"behind"`
	Why    string `json:"why,omitempty"`
}

type plan struct {
	late  *Latency
	bound time.Duration
}

func newPlan(bound time.Duration) plan {
	if bound == 0 {
		bound = 50 * time.Millisecond
	}
	return plan{NewLatency(), bound}
}

func (p *plan) observe(e *history.Event) {
	if e.Kind == history.Send && e.Intended >= 0 { // what is past was not sent in this run
		p.late.Record(e.At - e.Intended)
	}
}

func (p *plan) result() Plan {
	q := p.late.Quantiles()
	r := Plan{Sends: q.Count, P50: q.P50, P99: q.P99, Max: q.Max}
	if late := p.late.At(.99); late > p.bound {
		r.Behind, r.Why = true, fmt.Sprintf("1 of 100 sends went out %v after its intended time or later: at most %v", late.Round(time.Millisecond), p.bound)
	}
	return r
}
