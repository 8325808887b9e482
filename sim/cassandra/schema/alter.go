package schema

import (
	"slices"
	"strings"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// AlterTable adds columns to a table; altered is false if all were there and the statement allows that.
//
// A table does not change, because compiled statements hold it: another one with the same id takes its place. Old columns
// keep their index, so that old rows and old statements stay right.
func (c *Catalog) AlterTable(def *cql.AlterTable, keyspace string) (t *Table, altered bool, err error) {
	old, err := c.Table(def.Table, keyspace)
	if err != nil {
		return nil, false, err
	}
	if old.Virtual {
		return nil, false, cqlerror.Invalid("keyspace %s is not user-modifiable", old.Keyspace.Name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	old = old.Keyspace.tables[old.Name]
	fresh := slices.DeleteFunc(slices.Clone(def.Add), func(d cql.Definition) bool {
		_, err := old.Column(d.Name)
		return err == nil
	})
	switch {
	case len(fresh) < len(def.Add) && !def.IfNotExists:
		return nil, false, cqlerror.Invalid("Invalid column name: one of those added conflicts with an existing column of table %s", old.Name)
	case len(fresh) == 0:
		return old, false, nil
	case len(old.Columns)+len(fresh) > maxColumns:
		return nil, false, cqlerror.Invalid("%d columns are more than the %d that this server takes", len(old.Columns)+len(fresh), maxColumns)
	}
	types, err := columnTypes(fresh)
	if err != nil {
		return nil, false, err
	}
	t = old.grown(types)
	old.Keyspace.tables[t.Name] = t
	c.version++
	return t, true, nil
}

// grown is the table with more columns.
func (t *Table) grown(types map[string]Type) *Table {
	n := &Table{Keyspace: t.Keyspace, Name: t.Name, ID: t.ID, Columns: slices.Clone(t.Columns)}
	for k := range t.byKind {
		n.byKind[k] = slices.Clone(t.byKind[k])
	}
	n.addOthers(types)
	keys := len(n.byKind[Partition]) + len(n.byKind[Clustering])
	slices.SortFunc(n.Columns[keys:], func(a, b *Column) int { return strings.Compare(a.Name, b.Name) })
	return n
}
