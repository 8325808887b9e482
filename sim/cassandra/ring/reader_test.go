package ring

import (
	"cmp"
	"slices"
	"testing"

	"github.com/datastax/go-cassandra-native-protocol/primitive"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/sim/cassandra/schema"
	"github.com/chatlab/chatlab/sim/cassandra/storage"
)

// TestQuorumReadsSeeQuorumWrites lets every write and deletion miss another node: reads at a quorum, in pages of any size
// and either way, see them all.
func TestQuorumReadsSeeQuorumWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, table, key := New(3), &schema.Table{Keyspace: &schema.Keyspace{Factor: 3}}, []byte("p")
		model := [20]int64{}
		clock := int64(0)
		for _, m := range r.Members() {
			m.SetUp(true)
		}
		t.Repeat(map[string]func(*rapid.T){
			"a node leaves, the others come back": func(t *rapid.T) {
				down := rapid.IntRange(0, 3).Draw(t, "node")
				for i, m := range r.Members() {
					m.SetUp(i != down)
				}
			},
			"write": func(t *rapid.T) {
				k := rapid.IntRange(0, len(model)-1).Draw(t, "key")
				clock++
				row := &storage.Row{Key: []byte{byte(k)}, Cells: []storage.Cell{{}}}
				if rapid.IntRange(0, 2).Draw(t, "delete") == 0 {
					row.Deleted, model[k] = storage.Tombstone{Timestamp: clock, Set: true}, 0
				} else {
					row.Cells[0], model[k] = storage.Cell{State: storage.Live, Timestamp: clock, Value: []byte{byte(clock)}}, clock
				}
				require.NoError(t, r.Write(table, key, primitive.ConsistencyLevelQuorum, row))
			},
			"read": func(t *rapid.T) {
				reader := r.NewReader(r.Members()[rapid.IntRange(0, 2).Draw(t, "coordinator")])
				in := storage.Range{From: []byte{}, Reverse: rapid.Bool().Draw(t, "reverse")}
				require.NoError(t, reader.Reset(table, key, in, primitive.ConsistencyLevelQuorum))
				got, order := map[byte]int64{}, []byte{}
				n := rapid.IntRange(1, 7).Draw(t, "at once")
				for rows := reader.Next(n); rows != nil; rows = reader.Next(n) {
					for _, row := range rows {
						order = append(order, row.Key[0])
						if row.Visible(0) {
							got[row.Key[0]] = row.Cells[0].Timestamp
						}
					}
				}
				if in.Reverse {
					slices.Reverse(order)
				}
				require.True(t, slices.IsSortedFunc(order, func(a, b byte) int { return cmp.Or(cmp.Compare(a, b), -1) }), "each row once, in order")
				want := map[byte]int64{}
				for k, at := range model {
					if at != 0 {
						want[byte(k)] = at
					}
				}
				require.Equal(t, want, got)
			},
		})
	})
}

func TestLevels(t *testing.T) {
	r, table := New(3), &schema.Table{Keyspace: &schema.Keyspace{Factor: 3}}
	row := &storage.Row{Key: []byte{}}
	alive := func(n int) {
		for i, m := range r.Members() {
			m.SetUp(i < n)
		}
	}
	for level, need := range map[Level]int{
		primitive.ConsistencyLevelAny: 1, primitive.ConsistencyLevelOne: 1, primitive.ConsistencyLevelLocalOne: 1,
		primitive.ConsistencyLevelTwo: 2, primitive.ConsistencyLevelQuorum: 2, primitive.ConsistencyLevelLocalQuorum: 2,
		primitive.ConsistencyLevelEachQuorum: 2, primitive.ConsistencyLevelThree: 3, primitive.ConsistencyLevelAll: 3,
	} {
		alive(need)
		require.NoError(t, r.Write(table, []byte("p"), level, row), level)
		alive(need - 1)
		require.Error(t, r.Write(table, []byte("p"), level, row), level)
	}
	alive(3)
	for _, level := range []Level{primitive.ConsistencyLevelSerial, primitive.ConsistencyLevelLocalSerial, 99} {
		require.Error(t, r.Write(table, []byte("p"), level, row))
	}
}
