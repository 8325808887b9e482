package storage

import (
	"bytes"
	"sync"

	"github.com/google/btree"
)

// Range is a range of rows of a partition, by their keys.
type Range struct {
	From    []byte // the first key
	To      []byte // the first key beyond; nil for the end of the partition
	Reverse bool
}

// Past returns what is left of the range after the row with a key.
func (r Range) Past(key []byte) Range {
	if r.Reverse {
		r.To = key
	} else {
		r.From = append(bytes.Clone(key), 0)
	}
	return r
}

// partition holds the rows of one partition key in their order.
type partition struct {
	mu   sync.Mutex
	rows *btree.BTreeG[*Row]
}

func newPartition(free *btree.FreeListG[*Row]) *partition {
	const degree = 16
	less := func(a, b *Row) bool { return bytes.Compare(a.Key, b.Key) < 0 }
	return &partition{rows: btree.NewWithFreeListG(degree, less, free)}
}

// apply merges rows into the partition, all of them at once for every reader.
func (p *partition) apply(rows []*Row) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range rows {
		old, found := p.rows.ReplaceOrInsert(r)
		if !found || old == r {
			continue
		}
		if m := Merge(r, old); m != r { // if both say the same, r stays: replicas come to share it
			p.rows.ReplaceOrInsert(m)
		}
	}
}

// scan appends up to limit rows of the range, visible or not.
func (p *partition) scan(in Range, limit int, out []*Row) []*Row {
	if in.To != nil && bytes.Compare(in.From, in.To) >= 0 {
		return out
	}
	n := 0
	take := func(r *Row) bool {
		out = append(out, r)
		n++
		return n < limit
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if in.Reverse {
		p.descend(in, take)
	} else {
		p.ascend(in, take)
	}
	return out
}

func (p *partition) ascend(in Range, take func(*Row) bool) {
	if in.To == nil {
		p.rows.AscendGreaterOrEqual(&Row{Key: in.From}, take)
	} else {
		p.rows.AscendRange(&Row{Key: in.From}, &Row{Key: in.To}, take)
	}
}

func (p *partition) descend(in Range, take func(*Row) bool) {
	within := func(r *Row) bool {
		switch {
		case bytes.Compare(r.Key, in.From) < 0:
			return false
		case in.To != nil && bytes.Equal(r.Key, in.To): // the tree's start is inclusive, the range's end is not
			return true
		}
		return take(r)
	}
	if in.To == nil {
		p.rows.Descend(within)
	} else {
		p.rows.DescendLessOrEqual(&Row{Key: in.To}, within)
	}
}
