// Package ring spreads partitions over replicas and reads and writes as many of them as a consistency level asks for.
package ring

import (
	"cmp"
	"math"
	"slices"
	"sync/atomic"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
	"github.com/chatlab/chatlab/sim/cassandra/schema"
	"github.com/chatlab/chatlab/sim/cassandra/storage"
)

// Member is a node's replica on the ring.
type Member struct {
	Replica *storage.Replica
	Token   int64 // the end of the range that it owns first
	up      atomic.Bool
}

// SetUp says whether the member takes part.
func (m *Member) SetUp(up bool) { m.up.Store(up) }

// Up tells whether the member takes part.
func (m *Member) Up() bool { return m.up.Load() }

// Ring is the members in the order of their tokens.
type Ring struct{ members []*Member }

// New makes a ring of n members, down and empty, with evenly spread tokens.
func New(n int) *Ring {
	r := &Ring{}
	step := math.MaxUint64/uint64(n) + 1
	for i := range n {
		token := int64(uint64(i)*step) ^ math.MinInt64 // from the least token upward
		r.members = append(r.members, &Member{Replica: storage.NewReplica(), Token: token})
	}
	return r
}

// Members lists the members in the order of their tokens.
func (r *Ring) Members() []*Member { return r.members }

// replicas lists the members that hold a partition: its owner and those after it.
func (r *Ring) replicas(key []byte, factor int) []*Member {
	n := len(r.members)
	if factor >= n {
		return r.members
	}
	byToken := func(m *Member, t int64) int { return cmp.Compare(m.Token, t) }
	first, _ := slices.BinarySearchFunc(r.members, Token(key), byToken)
	out := make([]*Member, factor)
	for i := range out {
		out[i] = r.members[(first+i)%n]
	}
	return out
}

// alive picks the members that are up and holds their number against the level.
func alive(all []*Member, level Level, factor int) (up []*Member, need int, err error) {
	if need, err = required(level, factor); err != nil {
		return nil, 0, err
	}
	up = make([]*Member, 0, len(all))
	for _, m := range all {
		if m.Up() {
			up = append(up, m)
		}
	}
	if len(up) < need {
		return nil, need, cqlerror.Unavailable(level, need, len(up))
	}
	return up, need, nil
}

// Write applies rows to a partition on every replica that is up. Those that are down miss it.
func (r *Ring) Write(t *schema.Table, key []byte, level Level, rows ...*storage.Row) error {
	factor := t.Keyspace.Factor
	up, _, err := alive(r.replicas(key, factor), level, factor)
	if err != nil {
		return err
	}
	for _, m := range up {
		m.Replica.Apply(t, key, rows...)
	}
	return nil
}

// Truncate empties a table; as in Cassandra, every member must be up for it.
func (r *Ring) Truncate(t *schema.Table, level Level) error {
	up, _, err := alive(r.members, level, len(r.members))
	if err != nil {
		return err
	}
	for _, m := range up {
		m.Replica.Truncate(t)
	}
	return nil
}
