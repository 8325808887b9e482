package plan

import (
	"bytes"
	"math"

	"github.com/datastax/go-cassandra-native-protocol/datatype"
	"github.com/datastax/go-cassandra-native-protocol/message"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
	"github.com/chatlab/chatlab/sim/cassandra/native"
	"github.com/chatlab/chatlab/sim/cassandra/schema"
	"github.com/chatlab/chatlab/sim/cassandra/storage"
)

// Select reads rows of one partition, or filters a table whose rows are made when they are read.
type Select struct {
	Columns  []*schema.Column
	Count    bool
	Metadata native.Columns

	results []*message.ColumnMetadata
	table   *schema.Table
	where   *where
	filters []filter
	reverse bool
	limit   *operand
}

type filter struct {
	column int
	operand
}

func (b *builder) selectRows(s *cql.Select) (*Select, error) {
	out := &Select{Count: s.Count, table: b.plan.Table}
	steps := []func(*cql.Select, *Select) error{b.selectColumns, b.selectWhere, b.selectOrder, b.selectLimit}
	for _, step := range steps {
		if err := step(s, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *builder) selectColumns(s *cql.Select, out *Select) (err error) {
	t := b.plan.Table
	if s.Count {
		out.results = []*message.ColumnMetadata{{Keyspace: t.Keyspace.Name, Table: t.Name, Name: "count", Type: datatype.Bigint}}
	} else if out.Columns, err = columnsOf(t, s.Columns); err != nil {
		return err
	}
	for _, c := range out.Columns {
		out.results = append(out.results, &message.ColumnMetadata{Keyspace: t.Keyspace.Name, Table: t.Name, Name: c.Name, Type: c.Type})
	}
	out.Metadata, err = native.NewColumns(out.results)
	return err
}

func columnsOf(t *schema.Table, names []string) ([]*schema.Column, error) {
	if names == nil {
		return t.Columns, nil
	}
	out := make([]*schema.Column, len(names))
	for i, name := range names {
		c, err := t.Column(name)
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

func (b *builder) selectWhere(s *cql.Select, out *Select) (err error) {
	if b.plan.Table.Virtual {
		return b.filter(s, out)
	}
	out.where, err = b.where(s.Where)
	return err
}

func (b *builder) filter(s *cql.Select, out *Select) error {
	for _, r := range s.Where {
		c, err := b.plan.Table.Column(r.Column)
		if err != nil {
			return err
		}
		if r.Operator != "=" {
			return cqlerror.Invalid("only = is supported for columns of %s by this server", b.plan.Table)
		}
		o, err := b.operand(c, r.Value)
		if err != nil {
			return err
		}
		for i, other := range b.plan.Table.Columns {
			if other == c {
				out.filters = append(out.filters, filter{i, o})
			}
		}
	}
	return nil
}

// selectOrder finds out whether ORDER BY is the table's order or its reverse.
func (b *builder) selectOrder(s *cql.Select, out *Select) error {
	columns := b.plan.Table.Of(schema.Clustering)
	for i, o := range s.Order {
		if i >= len(columns) || columns[i].Name != o.Column {
			return cqlerror.Invalid("Order by is only supported on the clustering columns in the order of the PRIMARY KEY: %s is not next", o.Column)
		}
		reverse := o.Descending != columns[i].Descending
		if i > 0 && reverse != out.reverse {
			return cqlerror.Invalid("Unsupported order by relation: the columns must be ordered as in the table or all the other way")
		}
		out.reverse = reverse
	}
	return nil
}

func (b *builder) selectLimit(s *cql.Select, out *Select) (err error) {
	out.limit, err = b.option("limit", limitType(), s.Limit)
	if err == nil && out.limit != nil && out.limit.bind < 0 {
		_, err = out.rows(nil)
	}
	return err
}

// rows finds the value of LIMIT.
func (s *Select) rows(values []native.Value) (int, error) {
	n, ok, err := s.limit.integer(values)
	switch {
	case err != nil:
		return 0, err
	case !ok:
		return math.MaxInt32, nil
	case n <= 0:
		return 0, cqlerror.Invalid("LIMIT must be strictly positive")
	}
	return int(n), nil
}

// Query is a Select with its values.
type Query struct {
	Key   []byte
	Range storage.Range
	Limit int // rows that may still be returned, on this page and later ones
}

// Query binds values and goes on after the page that ended with a state.
func (s *Select) Query(values []native.Value, state []byte) (q Query, err error) {
	if q.Key, err = partitionKey(s.where.partition, values); err != nil {
		return q, err
	}
	if q.Range, err = s.where.rows(s.table, values); err != nil {
		return q, err
	}
	q.Range.Reverse = s.reverse
	if q.Limit, err = s.rows(values); err != nil || state == nil {
		return q, err
	}
	return q, q.resume(state)
}

// rows makes the range of the rows' keys.
func (w *where) rows(t *schema.Table, values []native.Value) (r storage.Range, err error) {
	columns := t.Of(schema.Clustering)
	if _, r.From, err = clusteringKey(columns, w.clustering, values); err != nil {
		return r, err
	}
	prefix := r.From
	r.To = schema.After(prefix)
	for _, b := range []*bound{w.lower, w.upper} {
		if b == nil {
			continue
		}
		c := columns[len(w.clustering)]
		v, err := b.key(values)
		if err != nil {
			return r, err
		}
		key := schema.AppendKey(bytes.Clone(prefix), c.Type, v, c.Descending)
		narrow(&r, key, (b == w.lower) != c.Descending, b.inclusive)
	}
	return r, nil
}

// narrow makes a range begin or end at the rows whose keys begin with key.
func narrow(r *storage.Range, key []byte, begin, inclusive bool) {
	if begin != inclusive { // the bound lies after those rows
		after := schema.After(key)
		if begin && after == nil {
			r.From, r.To = key, key // nothing is there
			return
		}
		key = after
	}
	if begin {
		r.From = key
	} else if key != nil {
		r.To = key
	}
}

// Matches tells whether a row that was made when it was read passes the filters.
func (s *Select) Matches(row [][]byte, values []native.Value) (bool, error) {
	for i := range s.filters {
		f := &s.filters[i]
		v, err := f.key(values)
		if err != nil || !bytes.Equal(v, row[f.column]) {
			return false, err
		}
	}
	return true, nil
}

// Limit finds how many rows at most are asked for.
func (s *Select) Limit(values []native.Value) (int, error) { return s.rows(values) }
