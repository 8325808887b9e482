package cql

import (
	"strings"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

func (p *parser) ifNotExists() bool {
	if !p.skip("if") {
		return false
	}
	p.expect("not", "exists")
	return true
}

func (p *parser) createKeyspace() *CreateKeyspace {
	s := &CreateKeyspace{IfNotExists: p.ifNotExists(), Name: p.name("a keyspace's name")}
	p.expect("with")
	for {
		switch {
		case s.Replication == nil && p.skip("replication"):
			p.expect("=")
			s.Replication = p.options()
		case p.skip("durable_writes"):
			p.expect("=")
			p.term()
		default:
			p.wrong("an option of the keyspace")
		}
		if !p.skip("and") {
			return s
		}
	}
}

// options reads {'name': value, ...}.
func (p *parser) options() map[string]string {
	out := map[string]string{}
	p.expect("{")
	list(p, func() struct{} {
		name := p.optionWord(text)
		p.expect(":")
		out[name] = p.optionWord(text, integer)
		return struct{}{}
	})
	p.expect("}")
	return out
}

func (p *parser) optionWord(kinds ...kind) string {
	for _, k := range kinds {
		if s := p.token.text; p.token.kind == k {
			p.advance()
			return s
		}
	}
	p.wrong("a string")
	return ""
}

func (p *parser) createTable() *CreateTable {
	s := &CreateTable{IfNotExists: p.ifNotExists(), Table: p.table()}
	p.expect("(")
	list(p, func() struct{} {
		p.definition(s)
		return struct{}{}
	})
	p.expect(")")
	if p.skip("with") {
		p.tableOption(s)
		for p.skip("and") {
			p.tableOption(s)
		}
	}
	return s
}

// definition reads a column or the PRIMARY KEY clause.
func (p *parser) definition(s *CreateTable) {
	if p.skip("primary") {
		p.expect("key", "(")
		p.primaryKey(s)
		p.expect(")")
		return
	}
	d := Definition{Name: p.columnName(), Type: p.typ(0)}
	s.Columns = append(s.Columns, d)
	if p.is("static") {
		p.fail(cqlerror.Invalid("static columns are not supported by this server"))
	}
	if p.skip("primary") {
		p.expect("key")
		p.setPartition(s, []string{d.Name})
	}
}

func (p *parser) primaryKey(s *CreateTable) {
	if p.skip("(") {
		p.setPartition(s, list(p, p.columnName))
		p.expect(")")
	} else {
		p.setPartition(s, []string{p.columnName()})
	}
	if p.skip(",") {
		s.Clustering = list(p, p.columnName)
	}
}

func (p *parser) setPartition(s *CreateTable, columns []string) {
	if s.Partition != nil {
		p.fail(cqlerror.Invalid("more than one PRIMARY KEY"))
	}
	s.Partition = columns
}

func (p *parser) tableOption(s *CreateTable) {
	if !p.skip("clustering") {
		p.fail(cqlerror.Invalid("the table option %s is not supported by this server", strings.ToUpper(p.token.text)))
		return
	}
	p.expect("order", "by", "(")
	s.Order = list(p, p.ordering)
	p.expect(")")
}

// maxTypeDepth bounds the recursion for a type; none that is supported is deeper.
const maxTypeDepth = 4

func (p *parser) typ(depth int) Type {
	t := Type{Name: "set"} // a keyword, so no name
	if !p.skip("set") {
		t.Name = p.name("a type")
	}
	if depth == maxTypeDepth {
		p.fail(cqlerror.Invalid("a type is nested too deeply"))
	}
	if p.skip("<") {
		t.Args = list(p, func() Type { return p.typ(depth + 1) })
		p.expect(">")
	}
	return t
}

// String writes the type as CQL does.
func (t Type) String() string {
	if len(t.Args) == 0 {
		return t.Name
	}
	args := make([]string, len(t.Args))
	for i, a := range t.Args {
		args[i] = a.String()
	}
	return t.Name + "<" + strings.Join(args, ", ") + ">"
}
