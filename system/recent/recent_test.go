package recent_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/recent"
)

func TestTheLastEntriesAreKept(t *testing.T) {
	m := recent.New[int, int](10)
	for i := range 100 {
		_, known := m.Keep(i, i)
		require.False(t, known)
	}
	for i := 90; i < 100; i++ {
		kept, known := m.Keep(i, -1)
		require.True(t, known)
		require.Equal(t, i, kept)
	}
	_, known := m.Keep(0, 0)
	require.False(t, known, "long ago")
}

func TestWhatIsAskedForAgainStays(t *testing.T) {
	m := recent.New[int, string](10)
	m.Keep(-1, "first")
	for i := range 100 {
		m.Keep(i, "other")
		kept, known := m.Keep(-1, "second")
		require.True(t, known)
		require.Equal(t, "first", kept)
	}
}
