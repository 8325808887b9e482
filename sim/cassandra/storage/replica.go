package storage

import (
	"maps"
	"slices"
	"sync"

	"github.com/google/btree"
	"github.com/google/uuid"

	"github.com/chatlab/chatlab/sim/cassandra/schema"
)

// Replica is the data of one node.
type Replica struct {
	mu     sync.RWMutex
	tables map[uuid.UUID]*table // by the id of the schema's table
}

// NewReplica makes an empty replica.
func NewReplica() *Replica { return &Replica{tables: map[uuid.UUID]*table{}} }

type table struct {
	mu         sync.RWMutex
	partitions map[string]*partition
	free       *btree.FreeListG[*Row]
}

func newTable() *table {
	return &table{partitions: map[string]*partition{}, free: btree.NewFreeListG[*Row](btree.DefaultFreeListSize)}
}

// Apply merges rows into a partition.
func (r *Replica) Apply(t *schema.Table, key []byte, rows ...*Row) {
	r.table(t).partition(key).apply(rows)
}

// Scan appends up to limit rows of a partition's range to out, visible or not.
func (r *Replica) Scan(t *schema.Table, key []byte, in Range, limit int, out []*Row) []*Row {
	tab := r.table(t)
	tab.mu.RLock()
	p := tab.partitions[string(key)]
	tab.mu.RUnlock()
	if p == nil {
		return out
	}
	return p.scan(in, limit, out)
}

// Truncate forgets a table's rows.
func (r *Replica) Truncate(t *schema.Table) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tables[t.ID] = newTable()
}

// Keys lists the partition keys of a table in the order of their bytes.
func (r *Replica) Keys(t *schema.Table) []string {
	tab := r.table(t)
	tab.mu.RLock()
	defer tab.mu.RUnlock()
	return slices.Sorted(maps.Keys(tab.partitions))
}

func (r *Replica) table(t *schema.Table) *table {
	r.mu.RLock()
	tab := r.tables[t.ID]
	r.mu.RUnlock()
	if tab != nil {
		return tab
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tables[t.ID] == nil {
		r.tables[t.ID] = newTable()
	}
	return r.tables[t.ID]
}

func (t *table) partition(key []byte) *partition {
	t.mu.RLock()
	p := t.partitions[string(key)]
	t.mu.RUnlock()
	if p != nil {
		return p
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if p = t.partitions[string(key)]; p == nil {
		p = newPartition(t.free)
		t.partitions[string(key)] = p
	}
	return p
}
