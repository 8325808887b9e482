// Package plan compiles statements against the schema, so that executing one again and again only looks at its values.
package plan

import (
	"github.com/datastax/go-cassandra-native-protocol/datatype"
	"github.com/datastax/go-cassandra-native-protocol/message"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
	"github.com/chatlab/chatlab/sim/cassandra/native"
	"github.com/chatlab/chatlab/sim/cassandra/schema"
)

// Plan is a compiled statement: one of Select and Write is set. It does not change.
type Plan struct {
	Table   *schema.Table
	Binds   []*message.ColumnMetadata
	Routing []uint16 // the bind markers that make the partition key; none if not all of it is bound
	Select  *Select
	Write   *Write
}

// Compile compiles a data statement with a number of bind markers. Keyspace counts where the statement names none.
func Compile(c *schema.Catalog, keyspace string, s cql.Statement, binds int) (*Plan, error) {
	b := &builder{plan: &Plan{Binds: make([]*message.ColumnMetadata, binds)}}
	name := tableOf(s)
	if name == nil {
		return nil, cqlerror.Invalid("this statement cannot be prepared or batched")
	}
	var err error
	if b.plan.Table, err = c.Table(*name, keyspace); err != nil {
		return nil, err
	}
	if err := b.compile(s); err != nil {
		return nil, err
	}
	b.route()
	return b.plan, nil
}

func tableOf(s cql.Statement) *cql.Table {
	switch s := s.(type) {
	case *cql.Select:
		return &s.From
	case *cql.Insert:
		return &s.Into
	case *cql.Update:
		return &s.Table
	case *cql.Delete:
		return &s.From
	}
	return nil
}

// Check refuses a wrong number of values.
func (p *Plan) Check(values []native.Value) error {
	if len(values) != len(p.Binds) {
		return cqlerror.Invalid("Invalid amount of bind variables: %d values for %d markers", len(values), len(p.Binds))
	}
	return nil
}

// Results describes the columns of the result.
func (p *Plan) Results() []*message.ColumnMetadata {
	if p.Select == nil {
		return nil
	}
	return p.Select.results
}

// builder compiles one statement.
type builder struct{ plan *Plan }

func (b *builder) compile(s cql.Statement) (err error) {
	if sel, ok := s.(*cql.Select); ok {
		b.plan.Select, err = b.selectRows(sel)
		return err
	}
	if b.plan.Table.Virtual {
		return cqlerror.Invalid("%s is not user-modifiable", b.plan.Table)
	}
	switch s := s.(type) {
	case *cql.Insert:
		b.plan.Write, err = b.insert(s)
	case *cql.Update:
		b.plan.Write, err = b.update(s)
	case *cql.Delete:
		b.plan.Write, err = b.delete(s)
	}
	return err
}

// route finds the bind markers of the partition key.
func (b *builder) route() {
	for _, c := range b.plan.Table.Of(schema.Partition) {
		found := false
		for i, m := range b.plan.Binds {
			if !found && m.Name == c.Name {
				b.plan.Routing = append(b.plan.Routing, uint16(i))
				found = true
			}
		}
		if !found {
			b.plan.Routing = nil
			return
		}
	}
}

// operand compiles a value of a column.
func (b *builder) operand(c *schema.Column, t cql.Term) (operand, error) {
	return b.typed(c.Name, c.Type, t)
}

// option compiles a value that belongs to no column, such as LIMIT.
func (b *builder) option(name string, typ schema.Type, t *cql.Term) (*operand, error) {
	if t == nil {
		return nil, nil
	}
	o, err := b.typed("["+name+"]", typ, *t)
	return &o, err
}

func (b *builder) typed(name string, typ schema.Type, t cql.Term) (operand, error) {
	o := operand{name: name, typ: typ, bind: -1}
	if t.Kind == cql.Bind {
		o.bind = t.Bind
		table := b.plan.Table
		b.plan.Binds[t.Bind] = &message.ColumnMetadata{Keyspace: table.Keyspace.Name, Table: table.Name, Name: name, Type: typ}
		return o, nil
	}
	var err error
	o.constant, err = schema.Literal(typ, name, t)
	return o, err
}

// operand is a value of a plan: a constant or what is bound to a marker.
type operand struct {
	name     string
	typ      schema.Type
	bind     int // -1 for a constant
	constant []byte
}

// value finds the value, nil for null.
func (o *operand) value(values []native.Value) (v []byte, unset bool, err error) {
	if o.bind < 0 {
		return o.constant, false, nil
	}
	bound := values[o.bind]
	if bound.Bytes == nil || schema.ElementType(o.typ) != nil { // a set is checked when it is split
		return bound.Bytes, bound.Unset, nil
	}
	return bound.Bytes, false, schema.Check(o.typ, bound.Bytes)
}

// key finds a value that must be there.
func (o *operand) key(values []native.Value) ([]byte, error) {
	v, unset, err := o.value(values)
	switch {
	case err != nil:
		return nil, err
	case unset:
		return nil, cqlerror.Invalid("Invalid unset value for column %s", o.name)
	case v == nil:
		return nil, cqlerror.Invalid("Invalid null value in condition for column %s", o.name)
	}
	return v, nil
}

// integer finds the value of an option; ok is false if it is null or unset.
func (o *operand) integer(values []native.Value) (n int64, ok bool, err error) {
	if o == nil {
		return 0, false, nil
	}
	v, _, err := o.value(values)
	if err != nil || v == nil {
		return 0, false, err
	}
	t := o.typ
	return schema.Go(t, v).(int64), true, nil
}

// Types of the options.
func limitType() schema.Type     { return datatype.Int }
func ttlType() schema.Type       { return datatype.Int }
func timestampType() schema.Type { return datatype.Bigint }
