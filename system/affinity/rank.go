package affinity

import (
	"cmp"
	"slices"

	"github.com/chatlab/chatlab/system/chat"
)

// Rank orders addresses by their weight for a conversation, as indexes. The first is its pod, the next the one that
// takes over when the first is away.
func Rank(conversation chat.ID, addresses []string) []int {
	order, weights := make([]int, len(addresses)), make([]uint64, len(addresses))
	for i, a := range addresses {
		order[i], weights[i] = i, weight(conversation, a)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	return order
}
