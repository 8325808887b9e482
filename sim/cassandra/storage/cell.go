// Package storage is one replica's data: partitions of rows of cells, each with its timestamp, of which the last write wins.
package storage

import "bytes"

// State tells whether a cell was written, and how.
type State uint8

// A cell is absent, holds a value, or is a tombstone.
const (
	Absent State = iota
	Live
	Dead
)

// Cell is a value with the time of its write. The zero value is an absent cell.
type Cell struct {
	Timestamp int64 // microseconds, as the client or the coordinator says
	Value     []byte
	Expires   uint32 // Unix seconds after which it counts as dead; 0 for never
	State     State
}

// alive tells whether a reader sees the cell at a time in Unix seconds, below a tombstone.
func (c *Cell) alive(now uint32, under Tombstone) bool {
	return c.State == Live && (c.Expires == 0 || c.Expires > now) && !under.covers(c.Timestamp)
}

// beats tells whether c replaces old. At equal times Cassandra prefers what expires or is dead, then the dead, then what
// expires later, then the greater value, so that all replicas choose the same.
func (c *Cell) beats(old *Cell) bool {
	if c.State == Absent || old.State == Absent {
		return c.State != Absent
	}
	if c.Timestamp != old.Timestamp {
		return c.Timestamp > old.Timestamp
	}
	if c.passing() != old.passing() {
		return c.passing()
	}
	if c.State != old.State {
		return c.State == Dead
	}
	if c.Expires != old.Expires {
		return c.Expires > old.Expires
	}
	return bytes.Compare(c.Value, old.Value) > 0
}

func (c *Cell) passing() bool { return c.State == Dead || c.Expires != 0 }

// Tombstone deletes everything written up to a timestamp. The zero value deletes nothing.
type Tombstone struct {
	Timestamp int64
	Set       bool
}

func (t Tombstone) covers(timestamp int64) bool { return t.Set && timestamp <= t.Timestamp }

func (t Tombstone) beats(old Tombstone) bool {
	return t.Set && (!old.Set || t.Timestamp > old.Timestamp)
}

func (t Tombstone) or(o Tombstone) Tombstone {
	if o.beats(t) {
		return o
	}
	return t
}
