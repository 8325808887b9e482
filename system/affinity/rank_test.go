package affinity

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
)

func TestRankBeginsWithThePodOfTheConversation(t *testing.T) {
	addresses := []string{"m-1:1", "m-2:1", "m-3:1"}
	m := open(t, addresses...)
	for range 1000 {
		conv := chat.NewID()
		order := Rank(conv, addresses)
		first := index(m, conv, func(pod) bool { return true })
		require.Equal(t, first, order[0])
		second := index(m, conv, func(p pod) bool { return p.address != addresses[first] })
		require.Equal(t, second, order[1])
		require.ElementsMatch(t, []int{0, 1, 2}, order)
	}
}
