package cql

import (
	"strings"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// MaxLength bounds a statement, in bytes.
const MaxLength = 64 << 10

// Parse reads one statement and counts its bind markers.
func Parse(query string) (s Statement, binds int, err error) {
	if len(query) > MaxLength {
		return nil, 0, cqlerror.Invalid("a statement of %d bytes is longer than the %d that this server takes", len(query), MaxLength)
	}
	p := &parser{lexer: lexer{in: query}}
	p.advance()
	s = p.statement()
	p.skip(";")
	p.finish()
	if p.err != nil {
		return nil, 0, p.err
	}
	return s, p.binds, nil
}

// parser holds the first error it met; after that it sees only the end of the statement.
type parser struct {
	lexer lexer
	token token
	binds int
	err   error
}

func (p *parser) advance() {
	if p.err != nil {
		return
	}
	p.token = p.lexer.next()
	if p.token.kind == broken {
		p.wrong("a closing quote")
	}
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
		p.token = token{kind: end, at: len(p.lexer.in)}
	}
}

// wrong reports that something else stands where want is needed.
func (p *parser) wrong(want string) {
	found := "the end"
	if p.token.kind != end {
		found = "'" + p.token.text + "'"
	}
	before := p.lexer.in[:p.token.at]
	line := 1 + strings.Count(before, "\n")
	column := p.token.at - (strings.LastIndexByte(before, '\n') + 1)
	p.fail(cqlerror.Syntax("line %d:%d expected %s, found %s", line, column, want, found))
}

// is tells whether the next token is a keyword or a symbol.
func (p *parser) is(s string) bool {
	return (p.token.kind == word || p.token.kind == symbol) && p.token.text == s
}

// skip passes a keyword or symbol if it stands next.
func (p *parser) skip(s string) bool {
	if !p.is(s) {
		return false
	}
	p.advance()
	return true
}

// expect passes keywords or symbols that must stand next.
func (p *parser) expect(all ...string) {
	for _, s := range all {
		if !p.skip(s) {
			p.wrong("'" + strings.ToUpper(s) + "'")
			return
		}
	}
}

// name reads an identifier.
func (p *parser) name(what string) string {
	t := p.token
	if t.kind == quotedWord || t.kind == word && !reserved(t.text) {
		p.advance()
		return t.text
	}
	p.wrong(what)
	return ""
}

// reserved says whether Cassandra takes a word for a name only in quotes.
func reserved(w string) bool {
	switch w {
	case "add", "allow", "alter", "and", "apply", "asc", "authorize", "batch", "begin", "by", "columnfamily", "create",
		"delete", "desc", "describe", "drop", "entries", "execute", "from", "full", "grant", "if", "in", "index",
		"infinity", "insert", "into", "is", "keyspace", "limit", "materialized", "modify", "nan", "norecursive", "not",
		"null", "of", "on", "or", "order", "primary", "rename", "revoke", "schema", "select", "set", "table", "to",
		"token", "truncate", "unlogged", "update", "use", "using", "view", "where", "with":
		return true
	}
	return false
}

func (p *parser) table() Table {
	t := Table{Name: p.name("a table's name")}
	if p.skip(".") {
		t.Keyspace, t.Name = t.Name, p.name("a table's name")
	}
	return t
}

// list reads one or more items with commas between them.
func list[T any](p *parser, item func() T) []T {
	out := []T{item()}
	for p.err == nil && p.skip(",") {
		out = append(out, item())
	}
	return out
}

func (p *parser) columnName() string { return p.name("a column's name") }

// finish makes sure that nothing is left over.
func (p *parser) finish() {
	if p.err != nil || p.token.kind == end {
		return
	}
	if p.token.kind == word {
		if why := unsupported(p.token.text); why != "" {
			p.fail(cqlerror.Invalid("%s", why))
			return
		}
	}
	p.wrong("the end")
}

// unsupported names what a keyword begins that Cassandra knows and this server does not.
func unsupported(keyword string) string {
	switch keyword {
	case "if":
		return "conditions (IF, lightweight transactions) are not supported by this server"
	case "allow":
		return "ALLOW FILTERING is not supported by this server"
	case "group":
		return "GROUP BY is not supported by this server"
	case "per":
		return "PER PARTITION LIMIT is not supported by this server"
	}
	return ""
}

func (p *parser) statement() Statement {
	switch {
	case p.skip("select"):
		return p.selectRows()
	case p.skip("insert"):
		return p.insert()
	case p.skip("update"):
		return p.update()
	case p.skip("delete"):
		return p.delete()
	case p.skip("use"):
		return &Use{p.name("a keyspace's name")}
	case p.skip("truncate"):
		p.skip("table")
		return &Truncate{p.table()}
	case p.skip("alter"):
		return p.alter()
	case p.skip("create"):
		return p.create()
	}
	p.unknown()
	return nil
}

func (p *parser) unknown() {
	switch p.token.text {
	case "begin", "apply":
		p.fail(cqlerror.Invalid("a batch is taken as a BATCH message of the protocol, not as a statement"))
	case "drop", "grant", "revoke", "list", "describe":
		p.fail(cqlerror.Invalid("%s is not supported by this server", strings.ToUpper(p.token.text)))
	default:
		p.wrong("a statement")
	}
}

func (p *parser) create() Statement {
	switch {
	case p.skip("keyspace"):
		return p.createKeyspace()
	case p.skip("table"):
		return p.createTable()
	}
	if p.token.kind == word {
		p.fail(cqlerror.Invalid("CREATE %s is not supported by this server", strings.ToUpper(p.token.text)))
	}
	p.wrong("'TABLE'")
	return nil
}
