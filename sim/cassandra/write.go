package cassandra

import (
	"bytes"

	"github.com/datastax/go-cassandra-native-protocol/primitive"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
	"github.com/chatlab/chatlab/sim/cassandra/native"
	"github.com/chatlab/chatlab/sim/cassandra/plan"
	"github.com/chatlab/chatlab/sim/cassandra/ring"
	"github.com/chatlab/chatlab/sim/cassandra/schema"
	"github.com/chatlab/chatlab/sim/cassandra/storage"
)

func (n *node) time(timestamp int64, given bool) plan.Time {
	if !given {
		timestamp = n.timestamp()
	}
	return plan.Time{Timestamp: timestamp, Now: n.seconds()}
}

func (c *conn) writeRow(dst []byte, stream int16, s *statement) ([]byte, error) {
	m, err := s.plan.Write.Mutation(c.options.Values, c.node.time(c.options.Timestamp, c.options.HasTimestamp))
	if err != nil {
		return nil, err
	}
	if err := c.commit(s, m.Key, c.options.Level, m.Row); err != nil {
		return nil, err
	}
	return native.AppendVoid(dst, stream), nil
}

func (c *conn) commit(s *statement, key []byte, level ring.Level, rows ...*storage.Row) error {
	s.table.writes.Add(int64(len(rows)))
	err := c.node.cluster.ring.Write(s.plan.Table, key, level, rows...)
	if err != nil {
		s.table.refused.Add(1)
	}
	return err
}

// batch writes rows of one partition, which a reader sees all or not at all.
func (c *conn) batch(dst []byte, f native.Frame) ([]byte, error) {
	b, err := f.Batch()
	if err != nil {
		return nil, err
	}
	if b.Type != primitive.BatchTypeLogged && b.Type != primitive.BatchTypeUnlogged {
		return nil, cqlerror.Invalid("batches of counters are not supported by this server")
	}
	if len(b.Statements) == 0 {
		return native.AppendVoid(dst, f.Stream), nil
	}
	statements, err := c.statements(b)
	if err != nil {
		return nil, err
	}
	key, rows, err := mutations(b, statements, c.node.time(b.Timestamp, b.HasTimestamp))
	if err != nil {
		return nil, err
	}
	if err := c.commit(statements[0], key, b.Level, rows...); err != nil {
		return nil, err
	}
	return native.AppendVoid(dst, f.Stream), nil
}

// statements finds the compiled statements of a batch.
func (c *conn) statements(b *native.Batch) ([]*statement, error) {
	out := make([]*statement, len(b.Statements))
	for i, item := range b.Statements {
		s, err := c.statement(item)
		if err != nil {
			return nil, err
		}
		if s.plan.Write == nil {
			return nil, cqlerror.Invalid("Invalid statement in batch: only UPDATE, INSERT and DELETE statements are allowed.")
		}
		if err := s.plan.Check(item.Values); err != nil {
			return nil, err
		}
		s.executions.Add(1)
		out[i] = s
	}
	return out, nil
}

func (c *conn) statement(item native.BatchStatement) (*statement, error) {
	if item.ID == nil {
		return c.parse(item.Query)
	}
	if s := c.node.prepared.get(item.ID); s != nil {
		return s, nil
	}
	return nil, cqlerror.Unprepared(item.ID)
}

// mutations binds the values of a batch and makes sure that it stays in one partition.
func mutations(b *native.Batch, statements []*statement, at plan.Time) (key []byte, rows []*storage.Row, err error) {
	var table *schema.Table
	rows = make([]*storage.Row, len(statements))
	for i, s := range statements {
		m, err := s.plan.Write.Mutation(b.Statements[i].Values, at)
		if err != nil {
			return nil, nil, err
		}
		if i == 0 {
			table, key = s.plan.Table, m.Key
		} else if table != s.plan.Table || !bytes.Equal(key, m.Key) {
			return nil, nil, cqlerror.Invalid("a batch over more than one partition is not supported by this server")
		}
		rows[i] = m.Row
	}
	return key, rows, nil
}
