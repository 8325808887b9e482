package cassandra

import (
	"github.com/datastax/go-cassandra-native-protocol/message"
	"github.com/datastax/go-cassandra-native-protocol/primitive"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
	"github.com/chatlab/chatlab/sim/cassandra/native"
)

func (c *conn) use(dst []byte, stream int16, s *cql.Use) ([]byte, error) {
	if _, err := c.node.cluster.catalog.Keyspace(s.Keyspace); err != nil {
		return nil, err
	}
	c.keyspace = s.Keyspace
	return c.reply(dst, stream, &message.SetKeyspaceResult{Keyspace: s.Keyspace})
}

func (c *conn) truncate(dst []byte, stream int16, s *cql.Truncate) ([]byte, error) {
	t, err := c.node.cluster.catalog.Table(s.Table, c.keyspace)
	if err != nil {
		return nil, err
	}
	if t.Virtual {
		return nil, cqlerror.Invalid("%s is not user-modifiable", t)
	}
	if err := c.node.cluster.ring.Truncate(t, primitive.ConsistencyLevelAll); err != nil {
		return nil, err
	}
	return native.AppendVoid(dst, stream), nil
}

func (c *conn) createKeyspace(dst []byte, stream int16, s *cql.CreateKeyspace) ([]byte, error) {
	created, err := c.node.cluster.catalog.CreateKeyspace(s)
	if err != nil {
		return nil, err
	}
	return c.created(dst, stream, created, &message.SchemaChangeResult{Target: primitive.SchemaChangeTargetKeyspace, Keyspace: s.Name})
}

func (c *conn) createTable(dst []byte, stream int16, s *cql.CreateTable) ([]byte, error) {
	t, created, err := c.node.cluster.catalog.CreateTable(s, c.keyspace)
	if err != nil {
		return nil, err
	}
	return c.created(dst, stream, created, &message.SchemaChangeResult{
		Target: primitive.SchemaChangeTargetTable, Keyspace: t.Keyspace.Name, Object: t.Name,
	})
}

func (c *conn) alterTable(dst []byte, stream int16, s *cql.AlterTable) ([]byte, error) {
	t, altered, err := c.node.cluster.catalog.AlterTable(s, c.keyspace)
	if err != nil || !altered {
		return native.AppendVoid(dst, stream), err
	}
	return c.changed(dst, stream, &message.SchemaChangeResult{
		ChangeType: primitive.SchemaChangeTypeUpdated, Target: primitive.SchemaChangeTargetTable, Keyspace: t.Keyspace.Name, Object: t.Name,
	})
}

// created answers and tells all who want to know, if anything was created.
func (c *conn) created(dst []byte, stream int16, created bool, r *message.SchemaChangeResult) ([]byte, error) {
	if !created {
		return native.AppendVoid(dst, stream), nil
	}
	r.ChangeType = primitive.SchemaChangeTypeCreated
	return c.changed(dst, stream, r)
}

func (c *conn) changed(dst []byte, stream int16, r *message.SchemaChangeResult) ([]byte, error) {
	c.node.cluster.announce(schemaChange, &message.SchemaChangeEvent{
		ChangeType: r.ChangeType, Target: r.Target, Keyspace: r.Keyspace, Object: r.Object,
	})
	return c.reply(dst, stream, r)
}
