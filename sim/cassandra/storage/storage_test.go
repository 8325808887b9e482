package storage

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/sim/cassandra/schema"
)

// Few timestamps and values, so that they collide.
func timestamps() *rapid.Generator[int64] { return rapid.Int64Range(-2, 3) }

func cells() *rapid.Generator[Cell] {
	return rapid.Custom(func(t *rapid.T) Cell {
		c := Cell{State: State(rapid.IntRange(0, 2).Draw(t, "state"))}
		if c.State == Absent {
			return c
		}
		c.Timestamp = timestamps().Draw(t, "timestamp")
		if c.State == Live {
			c.Value = []byte{rapid.ByteRange('a', 'c').Draw(t, "value")}
			c.Expires = rapid.SampledFrom([]uint32{0, 0, 10, 20}).Draw(t, "expires")
		}
		return c
	})
}

func tombstones() *rapid.Generator[Tombstone] {
	return rapid.Custom(func(t *rapid.T) Tombstone {
		if rapid.Bool().Draw(t, "none") {
			return Tombstone{}
		}
		return Tombstone{timestamps().Draw(t, "deleted"), true}
	})
}

func rows() *rapid.Generator[*Row] {
	return rapid.Custom(func(t *rapid.T) *Row {
		r := &Row{
			Key: []byte{}, Marker: cells().Draw(t, "marker"), Deleted: tombstones().Draw(t, "row"),
			Cells: []Cell{cells().Draw(t, "cell 0"), cells().Draw(t, "cell 1")}, Sets: []Set{{Cleared: tombstones().Draw(t, "set")}},
		}
		r.Marker.Value = nil
		for _, e := range "xyz" {
			if c := cells().Draw(t, "element"); c.State != Absent {
				c.Value = []byte{byte(e)}
				r.Sets[0].Elements = append(r.Sets[0].Elements, Element{[]byte{byte(e)}, c})
			}
		}
		return r
	})
}

// view is what readers see of a row at several times.
func view(r *Row) string {
	out := ""
	for _, now := range []uint32{0, 10, 20} {
		out += fmt.Sprint(r.Visible(now), r.Value(0, now), r.Value(1, now), slices.Collect(r.Elements(0, now)), "; ")
	}
	return out
}

// TestMergeIsALattice makes replicas agree: whatever order writes come in, and however often, the outcome is one.
func TestMergeIsALattice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := rows().Draw(t, "a"), rows().Draw(t, "b"), rows().Draw(t, "c")
		ab := Merge(a, b)
		require.Equal(t, view(ab), view(Merge(b, a)), "commutative")
		require.Equal(t, view(Merge(ab, c)), view(Merge(a, Merge(b, c))), "associative")
		require.Same(t, ab, Merge(ab, a), "what is known adds nothing")
		require.Same(t, ab, Merge(ab, b), "what is known adds nothing")
		require.Same(t, a, Merge(a, a))
	})
}

// TestRangesAgainstASlice holds scans against a sorted slice.
func TestRangesAgainstASlice(t *testing.T) {
	keys := rapid.SliceOfN(rapid.ByteRange(0, 4), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		r, tab := NewReplica(), &schema.Table{}
		all := rapid.SliceOfDistinct(keys, func(k []byte) string { return string(k) }).Draw(t, "keys")
		for _, k := range all {
			r.Apply(tab, []byte("p"), &Row{Key: k})
		}
		in := Range{From: keys.Draw(t, "from"), Reverse: rapid.Bool().Draw(t, "reverse")}
		if rapid.Bool().Draw(t, "bounded") {
			in.To = keys.Draw(t, "to")
		}
		var want []string
		for _, k := range all {
			if string(k) >= string(in.From) && (in.To == nil || string(k) < string(in.To)) {
				want = append(want, string(k))
			}
		}
		slices.Sort(want)
		if in.Reverse {
			slices.Reverse(want)
		}
		var got []string
		for limit := rapid.IntRange(1, 5).Draw(t, "limit"); ; {
			page := r.Scan(tab, []byte("p"), in, limit, nil)
			for _, row := range page {
				got = append(got, string(row.Key))
			}
			if len(page) < limit {
				break
			}
			in = in.Past(page[len(page)-1].Key)
		}
		require.Equal(t, want, got)
		require.Empty(t, r.Scan(tab, []byte("q"), in, 1, nil))
	})
}
