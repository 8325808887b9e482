package affinity

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/transport"
)

func open(t *testing.T, addresses ...string) *Messages {
	m, err := New(transport.Network{}, addresses)
	require.NoError(t, err)
	t.Cleanup(m.Close)
	return m
}

func index(m *Messages, conv chat.ID, may func(pod) bool) int {
	c := m.best(conv, may)
	for i, p := range m.pods {
		if p.client == c {
			return i
		}
	}
	return -1
}

func TestEveryProcessChoosesTheSamePod(t *testing.T) {
	a, b := open(t, "m-1:1", "m-2:1", "m-3:1"), open(t, "m-1:1", "m-2:1", "m-3:1")
	any := func(pod) bool { return true }
	count := map[int]int{}
	for range 3000 {
		conv := chat.NewID()
		require.Equal(t, index(a, conv, any), index(b, conv, any))
		count[index(a, conv, any)]++
	}
	for i := range 3 {
		require.InDelta(t, 1000, count[i], 150, "evenly")
	}
}

func TestOnlyTheConversationsOfALostPodMove(t *testing.T) {
	m := open(t, "m-1:1", "m-2:1", "m-3:1")
	for range 1000 {
		conv := chat.NewID()
		before := index(m, conv, func(pod) bool { return true })
		after := index(m, conv, func(p pod) bool { return p.address != "m-2:1" })
		if before != 1 {
			require.Equal(t, before, after)
		}
		require.NotEqual(t, 1, after)
	}
}
