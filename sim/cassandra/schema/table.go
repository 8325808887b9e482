// Package schema holds keyspaces, tables and types, and knows each type's literals, its limits and its order.
package schema

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// Kind is the part that a column plays in its table.
type Kind uint8

// The kinds of columns.
const (
	Partition Kind = iota
	Clustering
	Regular
	Set
)

// String names the kind as system_schema does.
func (k Kind) String() string {
	return [...]string{"partition_key", "clustering", "regular", "regular"}[k]
}

// Column is a column of a table.
type Column struct {
	Name       string
	Type       Type
	Kind       Kind
	Index      int  // among the table's columns of this kind
	Descending bool // of a clustering column
}

// Table is a table; it does not change once made. Of two with the same id, the later one has more columns.
type Table struct {
	Keyspace *Keyspace
	Name     string
	ID       uuid.UUID
	Columns  []*Column // in the order of SELECT *: the keys, then the others by name
	Virtual  bool      // its rows are made when they are read
	byKind   [4][]*Column
}

// Of lists the columns of a kind.
func (t *Table) Of(k Kind) []*Column { return t.byKind[k] }

// String is the full name.
func (t *Table) String() string { return t.Keyspace.Name + "." + t.Name }

// Column finds a column by its name.
func (t *Table) Column(name string) (*Column, error) {
	for _, c := range t.Columns {
		if c.Name == name {
			return c, nil
		}
	}
	return nil, cqlerror.Invalid("Undefined column name %s in table %s", name, t)
}

// maxColumns bounds a table's columns.
const maxColumns = 256

// newTable checks a definition and lays out its columns.
func newTable(k *Keyspace, def *cql.CreateTable) (*Table, error) {
	if err := checkName("table", def.Table.Name); err != nil {
		return nil, err
	}
	if len(def.Columns) > maxColumns {
		return nil, cqlerror.Invalid("%d columns are more than the %d that this server takes", len(def.Columns), maxColumns)
	}
	t := &Table{Keyspace: k, Name: def.Table.Name, ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(k.Name+"."+def.Table.Name))}
	types, err := columnTypes(def.Columns)
	if err != nil {
		return nil, err
	}
	if len(def.Partition) == 0 {
		return nil, cqlerror.Invalid("No PRIMARY KEY specified for table '%s' (exactly one required)", t.Name)
	}
	if err := t.addKeys(def, types); err != nil {
		return nil, err
	}
	t.addOthers(types)
	return t, t.order(def.Order)
}

// checkName refuses what would not fit the protocol's names.
func checkName(what, name string) error {
	if len(name) == 0 || len(name) > 48 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return cqlerror.Invalid("'%s' is not a name for a %s: 1 to 48 letters, digits and underscores", name, what)
	}
	return nil
}

func columnTypes(defs []cql.Definition) (map[string]Type, error) {
	types := map[string]Type{}
	for _, d := range defs {
		if err := checkName("column", d.Name); err != nil {
			return nil, err
		}
		if types[d.Name] != nil {
			return nil, cqlerror.Invalid("Multiple definition of identifier %s", d.Name)
		}
		typ, err := ParseType(d.Type)
		if err != nil {
			return nil, err
		}
		types[d.Name] = typ
	}
	return types, nil
}

func (t *Table) add(name string, typ Type, kind Kind) {
	c := &Column{Name: name, Type: typ, Kind: kind, Index: len(t.byKind[kind])}
	t.Columns = append(t.Columns, c)
	t.byKind[kind] = append(t.byKind[kind], c)
}

// addKeys moves the primary key's columns out of types.
func (t *Table) addKeys(def *cql.CreateTable, types map[string]Type) error {
	for i, name := range slices.Concat(def.Partition, def.Clustering) {
		typ := types[name]
		switch {
		case typ == nil:
			return cqlerror.Invalid("Unknown definition %s referenced in PRIMARY KEY", name)
		case !Sortable(typ):
			return cqlerror.Invalid("type %s for column %s is not supported in the PRIMARY KEY", typ.AsCql(), name)
		case i < len(def.Partition):
			t.add(name, typ, Partition)
		default:
			t.add(name, typ, Clustering)
		}
		delete(types, name)
	}
	return nil
}

func (t *Table) addOthers(types map[string]Type) {
	names := make([]string, 0, len(types))
	for name := range types {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		kind := Regular
		if ElementType(types[name]) != nil {
			kind = Set
		}
		t.add(name, types[name], kind)
	}
}

func (t *Table) order(by []cql.Ordering) error {
	for i, o := range by {
		if i >= len(t.Of(Clustering)) || t.Of(Clustering)[i].Name != o.Column {
			return cqlerror.Invalid("CLUSTERING ORDER must name the clustering columns in their order: %s is not next", o.Column)
		}
		t.Of(Clustering)[i].Descending = o.Descending
	}
	return nil
}
