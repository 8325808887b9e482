package plan

import (
	"math"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
	"github.com/chatlab/chatlab/sim/cassandra/native"
	"github.com/chatlab/chatlab/sim/cassandra/schema"
	"github.com/chatlab/chatlab/sim/cassandra/storage"
)

// Write changes one row.
type Write struct {
	table          *schema.Table
	where          *where
	assignments    []assignment
	marker, delete bool
	ttl, timestamp *operand
}

type assignment struct {
	column   *schema.Column
	operator byte
	operand
}

func (b *builder) insert(s *cql.Insert) (*Write, error) {
	if len(s.Columns) != len(s.Values) {
		return nil, cqlerror.Invalid("Unmatched column names/values")
	}
	w := &Write{marker: true}
	var keys []cql.Relation
	seen := map[string]bool{}
	for i, name := range s.Columns {
		c, err := b.plan.Table.Column(name)
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, cqlerror.Invalid("The column names contains duplicates: %s", name)
		}
		seen[name] = true
		if c.Kind <= schema.Clustering {
			keys = append(keys, cql.Relation{Column: name, Operator: "=", Value: s.Values[i]})
		} else if err := b.assign(w, cql.Assignment{Column: name, Operator: '=', Value: s.Values[i]}); err != nil {
			return nil, err
		}
	}
	return w, b.finishWrite(w, keys, s.Using)
}

func (b *builder) update(s *cql.Update) (*Write, error) {
	w := &Write{}
	seen := map[string]bool{}
	for _, a := range s.Set {
		if seen[a.Column] {
			return nil, cqlerror.Invalid("Multiple incompatible setting of column %s", a.Column)
		}
		seen[a.Column] = true
		if err := b.assign(w, a); err != nil {
			return nil, err
		}
	}
	return w, b.finishWrite(w, s.Where, s.Using)
}

func (b *builder) delete(s *cql.Delete) (*Write, error) {
	w := &Write{delete: true}
	return w, b.finishWrite(w, s.Where, s.Using)
}

func (b *builder) assign(w *Write, a cql.Assignment) error {
	c, err := b.plan.Table.Column(a.Column)
	if err != nil {
		return err
	}
	switch {
	case c.Kind <= schema.Clustering:
		return cqlerror.Invalid("PRIMARY KEY part %s found in SET part", c.Name)
	case a.Operator != '=' && c.Kind != schema.Set:
		return cqlerror.Invalid("Invalid operation (%s = %s %c ...) for non collection column %s; counters are not supported by this server",
			c.Name, c.Name, a.Operator, c.Name)
	}
	o, err := b.operand(c, a.Value)
	w.assignments = append(w.assignments, assignment{c, a.Operator, o})
	return err
}

// finishWrite compiles what all writes have: the whole primary key and the options.
func (b *builder) finishWrite(w *Write, keys []cql.Relation, using cql.Using) (err error) {
	w.table = b.plan.Table
	if w.where, err = b.where(keys); err != nil {
		return err
	}
	if w.where.lower != nil || w.where.upper != nil {
		return cqlerror.Invalid("writes to a range of rows are not supported by this server")
	}
	if columns := w.table.Of(schema.Clustering); len(w.where.clustering) < len(columns) {
		return cqlerror.Invalid("Some clustering keys are missing: %s. Writing more than one row is not supported by this server",
			columns[len(w.where.clustering)].Name)
	}
	if w.ttl, err = b.option("ttl", ttlType(), using.TTL); err != nil {
		return err
	}
	w.timestamp, err = b.option("timestamp", timestampType(), using.Timestamp)
	return err
}

// Time is when a write happens.
type Time struct {
	Timestamp int64  // microseconds, unless the statement says another
	Now       uint32 // Unix seconds, from which a TTL counts
}

// Mutation is a Write with its values.
type Mutation struct {
	Key []byte // of the partition
	Row *storage.Row
}

// Mutation binds values.
func (w *Write) Mutation(values []native.Value, at Time) (m Mutation, err error) {
	if m.Key, err = partitionKey(w.where.partition, values); err != nil {
		return m, err
	}
	m.Row = &storage.Row{Cells: make([]storage.Cell, len(w.table.Of(schema.Regular)))}
	if n := len(w.table.Of(schema.Set)); n > 0 {
		m.Row.Sets = make([]storage.Set, n)
	}
	m.Row.Clustering, m.Row.Key, err = clusteringKey(w.table.Of(schema.Clustering), w.where.clustering, values)
	if err != nil {
		return m, err
	}
	cell, err := w.cell(values, at)
	if err != nil {
		return m, err
	}
	if w.delete {
		m.Row.Deleted = storage.Tombstone{Timestamp: cell.Timestamp, Set: true}
	}
	if w.marker {
		m.Row.Marker = cell
	}
	for i := range w.assignments {
		if err := w.assignments[i].apply(m.Row, cell, values); err != nil {
			return m, err
		}
	}
	return m, nil
}

// maxTTL is 20 years, in seconds.
const maxTTL = 20 * 365 * 24 * 60 * 60

// cell makes what all cells of the write begin as.
func (w *Write) cell(values []native.Value, at Time) (c storage.Cell, err error) {
	c = storage.Cell{State: storage.Live, Timestamp: at.Timestamp}
	switch n, ok, err := w.timestamp.integer(values); {
	case err != nil:
		return c, err
	case ok:
		c.Timestamp = n
	}
	if c.Timestamp == math.MinInt64 {
		return c, cqlerror.Invalid("Out of bound timestamp, must be in [%d, %d]", int64(math.MinInt64+1), int64(math.MaxInt64))
	}
	ttl, _, err := w.ttl.integer(values)
	switch {
	case err != nil:
		return c, err
	case ttl < 0:
		return c, cqlerror.Invalid("A TTL must be greater or equal to 0, but was %d", ttl)
	case ttl > maxTTL:
		return c, cqlerror.Invalid("ttl is too large. requested (%d) maximum (%d)", ttl, maxTTL)
	case ttl > 0:
		c.Expires = uint32(min(uint64(at.Now)+uint64(ttl), math.MaxUint32))
	}
	return c, nil
}

func (a *assignment) apply(r *storage.Row, cell storage.Cell, values []native.Value) error {
	v, unset, err := a.value(values)
	switch {
	case err != nil || unset:
		return err
	case a.column.Kind == schema.Set:
		return a.applySet(&r.Sets[a.column.Index], cell, v)
	case v == nil:
		cell = storage.Cell{State: storage.Dead, Timestamp: cell.Timestamp}
	default:
		cell.Value = v
	}
	r.Cells[a.column.Index] = cell
	return nil
}

// applySet writes a cell for each element. Assigning a whole set first clears what was written before.
func (a *assignment) applySet(s *storage.Set, cell storage.Cell, value []byte) error {
	switch a.operator {
	case '=':
		s.Cleared = storage.Tombstone{Timestamp: cell.Timestamp - 1, Set: true}
	case '-':
		cell.State, cell.Expires = storage.Dead, 0
	}
	if value == nil {
		return nil
	}
	elements, err := schema.Elements(a.column.Type, value)
	if err != nil {
		return err
	}
	typ := schema.ElementType(a.column.Type)
	out := make([]storage.Element, len(elements))
	keys := make([]byte, 0, len(value)+8*len(elements))
	for i, e := range elements {
		from := len(keys)
		keys = schema.AppendKey(keys, typ, e, false)
		out[i] = storage.Element{Key: keys[from:len(keys):len(keys)], Cell: cell}
		out[i].Value = e
	}
	s.Elements = storage.SortElements(out)
	return nil
}
