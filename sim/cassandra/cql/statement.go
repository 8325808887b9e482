// Package cql parses the statements of the Cassandra Query Language that the chat system uses; whatever else a statement
// asks for is refused with an error that says what it is.
package cql

// Statement is one of the types below.
type Statement interface{ statement() }

// Table names a table; an empty Keyspace means the connection's.
type Table struct{ Keyspace, Name string }

// Select reads the rows of one partition, or counts them.
type Select struct {
	From    Table
	Columns []string // nil for all
	Count   bool
	Where   []Relation
	Order   []Ordering
	Limit   *Term
}

// Insert writes a row.
type Insert struct {
	Into    Table
	Columns []string
	Values  []Term
	Using   Using
}

// Update writes cells of a row.
type Update struct {
	Table Table
	Using Using
	Set   []Assignment
	Where []Relation
}

// Delete removes a row.
type Delete struct {
	From  Table
	Using Using
	Where []Relation
}

// Use chooses the connection's keyspace.
type Use struct{ Keyspace string }

// Truncate empties a table.
type Truncate struct{ Table Table }

// CreateKeyspace makes a keyspace.
type CreateKeyspace struct {
	Name        string
	IfNotExists bool
	Replication map[string]string
}

// CreateTable makes a table.
type CreateTable struct {
	Table       Table
	IfNotExists bool
	Columns     []Definition
	Partition   []string
	Clustering  []string
	Order       []Ordering
}

// AlterTable adds columns to a table.
type AlterTable struct {
	Table       Table
	IfNotExists bool // leaves alone what is there
	Add         []Definition
}

func (*AlterTable) statement()     {}
func (*Select) statement()         {}
func (*Insert) statement()         {}
func (*Update) statement()         {}
func (*Delete) statement()         {}
func (*Use) statement()            {}
func (*Truncate) statement()       {}
func (*CreateKeyspace) statement() {}
func (*CreateTable) statement()    {}

// Relation is a condition on a column: =, <, <=, > or >=.
type Relation struct {
	Column, Operator string
	Value            Term
}

// Assignment sets a column (=), or adds to a set (+) or takes from it (-).
type Assignment struct {
	Column   string
	Operator byte
	Value    Term
}

// Ordering is one column of ORDER BY.
type Ordering struct {
	Column     string
	Descending bool
}

// Using holds the options of a write.
type Using struct{ TTL, Timestamp *Term }

// Definition declares a column.
type Definition struct {
	Name string
	Type Type
}

// Type is a type as it is written: text, set<uuid>.
type Type struct {
	Name string
	Args []Type
}

// Term is a value in a statement.
type Term struct {
	Kind     TermKind
	Bind     int    // the number of the bind marker
	Text     string // of a literal, without quotes and prefixes
	Elements []Term // of a set
}

// TermKind tells how a value is written.
type TermKind uint8

// The ways to write a value.
const (
	Bind TermKind = iota
	Null
	String
	Integer
	Decimal
	UUID
	Blob
	Boolean
	Set
)

// String names the kind as error messages do.
func (k TermKind) String() string {
	return [...]string{"BIND MARKER", "NULL", "STRING", "INTEGER", "FLOAT", "UUID", "HEX", "BOOLEAN", "SET"}[k]
}
