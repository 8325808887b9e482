package storage

// Row is a row, or what a write says of one. It is not changed once it was applied or read: replicas share it.
type Row struct {
	Key        []byte   // orders the row in its partition
	Clustering [][]byte // the values of the clustering columns
	Marker     Cell     // says that the row exists though it may have no other cell; INSERT writes it
	Deleted    Tombstone
	Cells      []Cell // one for each regular column
	Sets       []Set  // one for each set
}

// Visible tells whether a reader sees the row at a time in Unix seconds.
func (r *Row) Visible(now uint32) bool {
	if r.Marker.alive(now, r.Deleted) {
		return true
	}
	for i := range r.Cells {
		if r.Cells[i].alive(now, r.Deleted) {
			return true
		}
	}
	for i := range r.Sets {
		for range r.Sets[i].elements(now, r.Deleted) {
			return true
		}
	}
	return false
}

// cell is empty for a column that the table did not have when the row was written.
func (r *Row) cell(i int) *Cell {
	if i >= len(r.Cells) {
		return &Cell{}
	}
	return &r.Cells[i]
}

// set is empty for a column that the table did not have when the row was written.
func (r *Row) set(i int) *Set {
	if i >= len(r.Sets) {
		return &Set{}
	}
	return &r.Sets[i]
}

// Value is the value of a regular column as a reader sees it, nil for none.
func (r *Row) Value(i int, now uint32) []byte {
	if i >= len(r.Cells) { // written before the table had the column
		return nil
	}
	if c := &r.Cells[i]; c.alive(now, r.Deleted) {
		return c.Value
	}
	return nil
}

// Merge combines what two replicas, or a replica and a write, know of one row. It returns one of them if the other adds
// nothing to it.
func Merge(a, b *Row) *Row {
	switch {
	case a == b || !b.adds(a):
		return a
	case !a.adds(b):
		return b
	}
	m := &Row{Key: a.Key, Clustering: a.Clustering, Marker: a.Marker, Deleted: a.Deleted.or(b.Deleted)}
	if b.Marker.beats(&m.Marker) {
		m.Marker = b.Marker
	}
	m.Cells = make([]Cell, max(len(a.Cells), len(b.Cells)))
	copy(m.Cells, a.Cells)
	for i := range b.Cells {
		if b.Cells[i].beats(&m.Cells[i]) {
			m.Cells[i] = b.Cells[i]
		}
	}
	if n := max(len(a.Sets), len(b.Sets)); n > 0 {
		m.Sets = make([]Set, n)
		for i := range m.Sets {
			m.Sets[i] = mergeSets(a.set(i), b.set(i))
		}
	}
	return m
}

// adds tells whether r knows anything that old does not.
func (r *Row) adds(old *Row) bool {
	if r.Deleted.beats(old.Deleted) || r.Marker.beats(&old.Marker) {
		return true
	}
	for i := range r.Cells {
		if r.Cells[i].beats(old.cell(i)) {
			return true
		}
	}
	for i := range r.Sets {
		if r.Sets[i].adds(old.set(i)) {
			return true
		}
	}
	return false
}
