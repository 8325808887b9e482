package property

import (
	"cmp"
	"maps"
	"slices"

	"github.com/chatlab/chatlab/scenarios/history"
)

// inOrder is the events of a map in the order of their times.
func inOrder(m map[history.ID]history.Event) []history.Event {
	return slices.SortedFunc(maps.Values(m), func(a, b history.Event) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Identity(), b.Identity()))
	})
}

// noSeq says why a property that speaks of sequence numbers cannot be judged.
const noSeq = "this write path gives no sequence numbers"
