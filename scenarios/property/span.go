package property

import (
	"fmt"

	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// span writes a range of places.
func span(from, to int64) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d to %d", from, to)
}

func within(a, b ledger.Span) bool { return b.From <= a.From && a.To <= b.To }

func overlap(a, b ledger.Span) bool { return max(a.From, b.From) <= min(a.To, b.To) && b.To > 0 }
