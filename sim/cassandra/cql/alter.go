package cql

import (
	"strings"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// alter reads ALTER TABLE name ADD [IF NOT EXISTS] column type, ... with or without parentheses.
func (p *parser) alter() Statement {
	if !p.skip("table") {
		p.fail(cqlerror.Invalid("ALTER %s is not supported by this server", strings.ToUpper(p.token.text)))
	}
	s := &AlterTable{Table: p.table()}
	if !p.skip("add") {
		p.fail(cqlerror.Invalid("ALTER TABLE ... %s is not supported by this server", strings.ToUpper(p.token.text)))
	}
	s.IfNotExists = p.ifNotExists()
	within := p.skip("(")
	s.Add = list(p, func() Definition { return Definition{Name: p.columnName(), Type: p.typ(0)} })
	if within {
		p.expect(")")
	}
	return s
}
