package ledger

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/scenarios/history"
)

func TestBitsAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (b Bits, model map[int32]bool) {
			model = make(map[int32]bool)
			for _, n := range rapid.SliceOf(rapid.Int32Range(0, 300)).Draw(t, name) {
				require.Equal(t, model[n], b.Has(n))
				require.Equal(t, model[n], b.Set(n))
				model[n] = true
			}
			require.EqualValues(t, len(model), b.Count())
			return b, model
		}
		a, inA := draw("a")
		b, inB := draw("b")
		var want, got []int32
		for n := range inA {
			if !inB[n] {
				want = append(want, n)
			}
		}
		slices.Sort(want)
		a.Without(b, func(n int32) { got = append(got, n) })
		require.Equal(t, want, got)
	})
}

func TestRowsAndPairsKeepWhatTheyAreGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows Rows[int]
		var pairs Pairs[int]
		model := map[history.ID]int{}
		for i, n := range rapid.SliceOf(rapid.Uint32Range(0, 200)).Draw(t, "ids") {
			id := history.ID(n)
			_, known := model[id]
			require.Equal(t, known, rows.Find(id) != nil)
			require.Equal(t, known, pairs.Find(id, id/2) != nil)
			model[id] = i
			*rows.Of(id), *pairs.Of(id, id/2) = i, i
		}
		for id, v := range model {
			require.Equal(t, v, *rows.Find(id))
			require.Equal(t, id, rows.IDs[rows.Number(id)])
			require.Equal(t, v, *pairs.Find(id, id/2))
			require.Equal(t, Pair{id, id / 2}, pairs.Keys[pairs.Number(id, id/2)])
		}
		require.Len(t, rows.All, len(model))
		require.Len(t, pairs.All, len(model))
	})
}

func TestMembersSeeTheirSpans(t *testing.T) {
	var m Members
	for _, e := range []history.Event{
		{Kind: history.Joined, Conversation: 1, User: 2, Seq: 3}, {Kind: history.Left, Conversation: 1, User: 2, Seq: 5},
		{Kind: history.Joined, Conversation: 1, User: 2, Seq: 9}, {Kind: history.Left, Conversation: 1, User: 7, Seq: 9},
	} {
		m.Observe(&e)
	}
	spans := *m.Find(1, 2)
	for seq, want := range []bool{false, false, false, true, true, true, false, false, false, true, true} {
		require.Equal(t, want, Sees(spans, int64(seq)), "seq %d", seq)
	}
	require.False(t, SeesAny(spans, Span{6, 8}))
	require.True(t, SeesAny(spans, Span{5, 8}))
	require.True(t, Sees([]Span{{1, math.MaxInt64}}, 0), "a place without a number is seen by who was always a member")
	require.Nil(t, m.Find(1, 7), "who never came cannot leave")
}

func TestDeviceThatLeftIsWaitedForOnlyFromItsReturn(t *testing.T) {
	var d Devices
	name := func(history.ID) string { return End }
	at := func(k history.Kind, s time.Duration, code int32) {
		d.Observe(&history.Event{Kind: k, Device: 1, At: s * time.Second, CloseCode: code}, name)
	}
	at(history.Connected, 1, 0)
	at(history.Disconnected, 2, 0)
	at(history.Connected, 3, 0)
	require.Equal(t, Device{Connected: true, Ever: true, First: time.Second, Since: time.Second}, *d.Find(1), "a lost connection is no leaving")
	at(history.Disconnected, 4, 1000)
	at(history.Connected, 5, 0)
	require.Equal(t, 5*time.Second, d.Find(1).Since)
	at(history.Phase, 6, 0)
	at(history.Disconnected, 7, 0)
	require.True(t, d.Find(1).Connected, "what happens after the deadline does not count")
}

func TestPhasesAreFoundByTime(t *testing.T) {
	var p Phases
	names := []string{"", Steady, Fault, End}
	for i := 1; i <= 3; i++ {
		p.Observe(&history.Event{Kind: history.Phase, Text: history.ID(i), At: time.Duration(i) * time.Second}, func(id history.ID) string { return names[id] })
	}
	for at, want := range []string{"", Steady, Fault, End, End} {
		require.Equal(t, want, p.Name(p.Index(time.Duration(at)*time.Second)))
	}
	deadline, ended := p.Deadline()
	require.True(t, ended)
	require.Equal(t, 3*time.Second, deadline)
}
