package measure

import (
	"strconv"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// Totals counts the events of a run.
type Totals struct {
	Events       int64            `json:"events"`
	Sends        int64            `json:"sends"`
	Attempts     int64            `json:"attempts"`
	Acked        int64            `json:"acked"`
	Refused      int64            `json:"refused"`
	Unknown      int64            `json:"unknown"`
	Unsent       int64            `json:"unsent"`
	Raw          int64            `json:"raw"`
	Shown        int64            `json:"shown"`
	Gaps         int64            `json:"gaps"`
	GapsFilled   int64            `json:"gaps_filled"`
	Resyncs      int64            `json:"resyncs"`
	Throttled    int64            `json:"throttled"`
	Connects     int64            `json:"connects"`
	Disconnects  int64            `json:"disconnects"`
	Rows         int64            `json:"rows"`
	RefusalCodes map[string]int64 `json:"refusal_codes,omitempty"` // of error frames and refused sends
	CloseCodes   map[string]int64 `json:"close_codes,omitempty"`   // "0": the connection broke without one
}

func (t *Totals) observe(e *history.Event, name ledger.Names) {
	t.Events++
	if c := t.counter(e.Kind); c != nil {
		*c++
	}
	switch e.Kind {
	case history.Refused, history.ErrorFrame:
		t.RefusalCodes = bump(t.RefusalCodes, name(e.Code))
	case history.Disconnected:
		t.CloseCodes = bump(t.CloseCodes, strconv.Itoa(int(e.CloseCode)))
	}
}

func bump(m map[string]int64, key string) map[string]int64 {
	if m == nil {
		m = make(map[string]int64)
	}
	m[key]++
	return m
}

func (t *Totals) counter(k history.Kind) *int64 {
	switch k {
	case history.Send:
		return &t.Sends
	case history.Attempt:
		return &t.Attempts
	case history.Acked:
		return &t.Acked
	case history.Refused:
		return &t.Refused
	case history.Unknown:
		return &t.Unknown
	case history.Unsent:
		return &t.Unsent
	case history.Raw:
		return &t.Raw
	case history.Shown:
		return &t.Shown
	case history.Gap:
		return &t.Gaps
	case history.GapFilled:
		return &t.GapsFilled
	case history.Resync:
		return &t.Resyncs
	case history.Throttled:
		return &t.Throttled
	case history.Connected:
		return &t.Connects
	case history.Disconnected:
		return &t.Disconnects
	case history.Stored:
		return &t.Rows
	}
	return nil
}
