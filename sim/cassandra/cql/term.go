package cql

import "github.com/chatlab/chatlab/sim/cassandra/cqlerror"

// MaxBinds bounds the bind markers of a statement: the protocol counts values with 16 bits.
const MaxBinds = 1<<16 - 1

func isConstant(w string) bool { return w == "null" || w == "true" || w == "false" }

// term reads a bind marker or a literal.
func (p *parser) term() Term {
	if p.skip("?") {
		if p.binds == MaxBinds {
			p.fail(cqlerror.Invalid("a statement has more than %d bind markers", MaxBinds))
		}
		p.binds++
		return Term{Kind: Bind, Bind: p.binds - 1}
	}
	if p.skip("{") {
		return p.set()
	}
	t := Term{Text: p.token.text}
	switch p.token.kind {
	case text:
		t.Kind = String
	case integer:
		t.Kind = Integer
	case decimal:
		t.Kind = Decimal
	case uuid:
		t.Kind = UUID
	case blob:
		t.Kind = Blob
	case word:
		return p.wordTerm()
	default:
		p.badTerm()
	}
	p.advance()
	return t
}

func (p *parser) wordTerm() Term {
	t := Term{Kind: Boolean, Text: p.token.text}
	switch t.Text {
	case "null":
		t.Kind = Null
	case "true", "false":
	default:
		p.fail(cqlerror.Invalid("'%s' is not a value: functions and names in the place of values are not supported by this server", t.Text))
	}
	p.advance()
	return t
}

func (p *parser) badTerm() {
	if p.is(":") || p.is("[") || p.is("(") {
		p.fail(cqlerror.Invalid("named bind markers, lists and tuples are not supported by this server"))
	}
	p.wrong("a value")
}

// set reads a set's literal after its opening brace.
func (p *parser) set() Term {
	t := Term{Kind: Set}
	if p.skip("}") {
		return t
	}
	t.Elements = list(p, p.element)
	p.expect("}")
	return t
}

func (p *parser) element() Term {
	e := Term{}
	if p.is("{") {
		p.fail(cqlerror.Invalid("a set of sets is not supported by this server"))
	} else if e = p.term(); e.Kind == Bind || e.Kind == Null {
		p.fail(cqlerror.Invalid("%s inside a set is not supported by this server: bind the whole set", e.Kind))
	}
	if p.is(":") {
		p.fail(cqlerror.Invalid("maps are not supported by this server"))
	}
	return e
}
