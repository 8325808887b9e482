package cql

import "github.com/chatlab/chatlab/sim/cassandra/cqlerror"

func (p *parser) selectRows() *Select {
	s := &Select{}
	if p.is("distinct") || p.is("json") {
		p.fail(cqlerror.Invalid("SELECT %s is not supported by this server", p.token.text))
	}
	if !p.skip("*") {
		s.Columns = list(p, p.selector)
	}
	if len(s.Columns) == 1 && s.Columns[0] == countAll {
		s.Columns, s.Count = nil, true
	}
	p.expect("from")
	s.From = p.table()
	if p.skip("where") {
		s.Where = p.where()
	}
	if p.skip("order") {
		p.expect("by")
		s.Order = list(p, p.ordering)
	}
	if p.skip("limit") {
		s.Limit = new(p.term())
	}
	return s
}

// countAll stands for count(*), which cannot be the name of a column.
const countAll = "count(*)"

func (p *parser) selector() string {
	name := p.columnName()
	if !p.skip("(") {
		return name
	}
	if name == "count" && p.skip("*") {
		p.expect(")")
		return countAll
	}
	p.fail(cqlerror.Invalid("the function %s is not supported by this server", name))
	return ""
}

func (p *parser) where() []Relation {
	out := []Relation{p.relation()}
	for p.skip("and") {
		out = append(out, p.relation())
	}
	return out
}

func (p *parser) relation() Relation {
	if p.is("(") {
		p.fail(cqlerror.Invalid("conditions on several columns at once are not supported by this server"))
	}
	r := Relation{Column: p.columnName()}
	switch p.token.text {
	case "=", "<", "<=", ">", ">=":
		r.Operator = p.token.text
		p.advance()
	case "in", "contains", "like", "between", "is", "!=", "(":
		p.fail(cqlerror.Invalid("'%s' in WHERE is not supported by this server", p.token.text))
	default:
		p.wrong("one of = < <= > >=")
	}
	r.Value = p.term()
	return r
}

func (p *parser) ordering() Ordering {
	o := Ordering{Column: p.columnName()}
	if !p.skip("asc") {
		o.Descending = p.skip("desc")
	}
	return o
}

func (p *parser) insert() *Insert {
	s := &Insert{}
	p.expect("into")
	s.Into = p.table()
	if p.is("json") {
		p.fail(cqlerror.Invalid("INSERT JSON is not supported by this server"))
	}
	p.expect("(")
	s.Columns = list(p, p.columnName)
	p.expect(")", "values", "(")
	s.Values = list(p, p.term)
	p.expect(")")
	if p.is("if") {
		return s // finish says why this is refused
	}
	s.Using = p.using(true)
	return s
}

func (p *parser) update() *Update {
	s := &Update{Table: p.table()}
	s.Using = p.using(true)
	p.expect("set")
	s.Set = list(p, p.assignment)
	p.expect("where")
	s.Where = p.where()
	return s
}

func (p *parser) assignment() Assignment {
	a := Assignment{Column: p.columnName(), Operator: '='}
	if p.is("[") || p.is(".") {
		p.fail(cqlerror.Invalid("writing an element of a collection is not supported by this server: use %s = %s + ?", a.Column, a.Column))
	}
	p.expect("=")
	if p.token.kind == quotedWord || p.token.kind == word && !isConstant(p.token.text) {
		if p.columnName() != a.Column {
			p.fail(cqlerror.Invalid("only a column itself can be added to: %s = %s + ?", a.Column, a.Column))
		}
		switch {
		case p.skip("+"):
			a.Operator = '+'
		case p.skip("-"):
			a.Operator = '-'
		default:
			p.wrong("'+' or '-'")
		}
	}
	a.Value = p.term()
	return a
}

func (p *parser) delete() *Delete {
	s := &Delete{}
	if !p.is("from") {
		p.fail(cqlerror.Invalid("DELETE of single columns is not supported by this server: it deletes rows"))
	}
	p.expect("from")
	s.From = p.table()
	s.Using = p.using(false)
	p.expect("where")
	s.Where = p.where()
	return s
}

func (p *parser) using(ttl bool) (u Using) {
	if !p.skip("using") {
		return u
	}
	for {
		switch {
		case ttl && u.TTL == nil && p.skip("ttl"):
			u.TTL = new(p.term())
		case u.Timestamp == nil && p.skip("timestamp"):
			u.Timestamp = new(p.term())
		default:
			p.wrong("an option of USING")
			return u
		}
		if !p.skip("and") {
			return u
		}
	}
}
