package ring

import (
	"bytes"

	"github.com/datastax/go-cassandra-native-protocol/primitive"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
	"github.com/chatlab/chatlab/sim/cassandra/schema"
	"github.com/chatlab/chatlab/sim/cassandra/storage"
)

// Reader reads a range of a partition row by row as a consistency level asks: what the replicas know of a row is merged,
// and a replica that knew less is repaired. It is not safe for concurrent use; Reset makes it ready for another range.
type Reader struct {
	ring *Ring
	self *Member

	table    *schema.Table
	key      []byte
	left     storage.Range
	from     []*Member
	fetched  [][]*storage.Row // by member
	merged   []*storage.Row
	complete bool
}

// NewReader makes a reader for a coordinator, which prefers its own replica.
func (r *Ring) NewReader(self *Member) *Reader { return &Reader{ring: r, self: self} }

// Reset begins to read a range.
func (r *Reader) Reset(t *schema.Table, key []byte, in storage.Range, level Level) error {
	if level == primitive.ConsistencyLevelAny {
		return cqlerror.Invalid("ANY ConsistencyLevel is only supported for writes")
	}
	factor := t.Keyspace.Factor
	up, need, err := alive(r.ring.replicas(key, factor), level, factor)
	if err != nil {
		return err
	}
	for i, m := range up {
		if m == r.self {
			up[0], up[i] = up[i], up[0]
		}
	}
	r.table, r.key, r.left, r.complete = t, key, in, false
	r.from = up[:need]
	for len(r.fetched) < need {
		r.fetched = append(r.fetched, nil)
	}
	return nil
}

// Next returns the next rows of the range, about n, visible or not, and none at the end. They are good until the next call.
func (r *Reader) Next(n int) []*storage.Row {
	for !r.complete {
		if rows := r.fetch(n); len(rows) > 0 {
			r.left = r.left.Past(rows[len(rows)-1].Key)
			return rows
		}
	}
	return nil
}

// fetch asks every member for n rows. A member that had n may have more, so that nothing is known beyond its last one.
func (r *Reader) fetch(n int) []*storage.Row {
	var horizon []byte
	r.complete = true
	for i, m := range r.from {
		r.fetched[i] = m.Replica.Scan(r.table, r.key, r.left, n, r.fetched[i][:0])
		if len(r.fetched[i]) < n {
			continue
		}
		if last := r.fetched[i][n-1].Key; r.complete || r.before(last, horizon) {
			r.complete, horizon = false, last
		}
	}
	if r.agree() {
		return r.fetched[0]
	}
	return r.merge(horizon)
}

// before tells whether a row comes before another in the direction of the range.
func (r *Reader) before(a, b []byte) bool {
	if r.left.Reverse {
		a, b = b, a
	}
	return bytes.Compare(a, b) < 0
}

// agree tells whether the members share all rows, which is so when they got the same writes.
func (r *Reader) agree() bool {
	first := r.fetched[0]
	for _, rows := range r.fetched[1:len(r.from)] {
		if len(rows) != len(first) {
			return false
		}
		for i := range rows {
			if rows[i] != first[i] {
				return false
			}
		}
	}
	return true
}

// merge goes along the members' rows together up to the horizon, which is ignored when the range was read to its end.
func (r *Reader) merge(horizon []byte) []*storage.Row {
	heads := make([][]*storage.Row, len(r.from))
	copy(heads, r.fetched)
	r.merged = r.merged[:0]
	for {
		key := r.least(heads)
		if key == nil || !r.complete && r.before(horizon, key) {
			return r.merged
		}
		r.merged = append(r.merged, r.reconcile(heads, key))
	}
}

// least is the key of the row that comes first. A table without clustering columns has an empty key, which is not nil.
func (r *Reader) least(heads [][]*storage.Row) (key []byte) {
	for _, rows := range heads {
		if len(rows) > 0 && (key == nil || r.before(rows[0].Key, key)) {
			key = rows[0].Key
		}
	}
	return key
}

// reconcile merges the row with a key, takes it off the heads and repairs the members that lack something of it.
func (r *Reader) reconcile(heads [][]*storage.Row, key []byte) (row *storage.Row) {
	known := make([]*storage.Row, len(heads))
	for i, rows := range heads {
		if len(rows) == 0 || !bytes.Equal(rows[0].Key, key) {
			continue
		}
		known[i], heads[i] = rows[0], rows[1:]
		if row == nil {
			row = known[i]
		} else {
			row = storage.Merge(row, known[i])
		}
	}
	for i, m := range r.from {
		if known[i] != row && m.Up() {
			m.Replica.Apply(r.table, r.key, row)
		}
	}
	return row
}
