package cassandra

import (
	"fmt"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/plan"
	"github.com/chatlab/chatlab/sim/cassandra/schema"
	"github.com/chatlab/chatlab/sim/cassandra/storage"
)

// Row is a row by the names of its columns: string, bool, int64, float64, []byte, time.Time, uuid.UUID, or a slice of
// such for a set. A column without a value is not in it.
type Row map[string]any

// Rows reads what one node's replica holds of a table, whether the node runs or not, in the order of the partition keys'
// bytes and then of the table.
func (c *Cluster) Rows(node, keyspace, table string) ([]Row, error) {
	n, err := c.node(node)
	if err != nil {
		return nil, err
	}
	t, err := c.catalog.Table(cql.Table{Name: table}, keyspace)
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	if t.Virtual {
		return nil, fmt.Errorf("read rows: %s is made when it is read", t)
	}
	var out []Row
	now := n.seconds()
	for _, key := range n.member.Replica.Keys(t) {
		out = appendRows(out, n.member.Replica, t, []byte(key), now)
	}
	return out, nil
}

func appendRows(out []Row, r *storage.Replica, t *schema.Table, key []byte, now uint32) []Row {
	in := storage.Range{From: []byte{}}
	parts := plan.SplitKey(t, key)
	for {
		rows := r.Scan(t, key, in, scanAtOnce, nil)
		for _, row := range rows {
			if row.Visible(now) {
				out = append(out, goRow(t, parts, row, now))
			}
		}
		if len(rows) < scanAtOnce {
			return out
		}
		in = in.Past(rows[len(rows)-1].Key)
	}
}

func goRow(t *schema.Table, key [][]byte, r *storage.Row, now uint32) Row {
	out := Row{}
	for _, c := range t.Columns {
		switch c.Kind {
		case schema.Partition:
			out[c.Name] = schema.Go(c.Type, key[c.Index])
		case schema.Clustering:
			out[c.Name] = schema.Go(c.Type, r.Clustering[c.Index])
		case schema.Regular:
			if v := r.Value(c.Index, now); v != nil {
				out[c.Name] = schema.Go(c.Type, v)
			}
		case schema.Set:
			var set []any
			for e := range r.Elements(c.Index, now) {
				set = append(set, schema.Go(schema.ElementType(c.Type), e))
			}
			if set != nil {
				out[c.Name] = set
			}
		}
	}
	return out
}
