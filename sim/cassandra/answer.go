package cassandra

import (
	"slices"

	"github.com/datastax/go-cassandra-native-protocol/message"
	"github.com/datastax/go-cassandra-native-protocol/primitive"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
	"github.com/chatlab/chatlab/sim/cassandra/native"
)

// answer appends the answer to a request.
func (c *conn) answer(dst []byte, f native.Frame) []byte {
	out, err := c.handle(dst, f)
	if err != nil {
		return c.fail(dst, f.Stream, err)
	}
	return out
}

func (c *conn) fail(dst []byte, stream int16, err error) []byte {
	out, encodeErr := c.reply(dst, stream, cqlerror.Message(err))
	if encodeErr != nil { // an error message that cannot be encoded is a mistake here, not the client's
		c.node.cluster.cfg.Log.Error("encode error failed", "error", encodeErr, "of", err)
	}
	return out
}

func (c *conn) reply(dst []byte, stream int16, m message.Message) ([]byte, error) {
	return c.node.cluster.encoder.Append(dst, stream, m)
}

func (c *conn) handle(dst []byte, f native.Frame) ([]byte, error) {
	switch f.OpCode {
	case primitive.OpCodeOptions:
		return native.AppendCopy(dst, f.Stream, c.node.cluster.supported), nil // the drivers' heartbeat
	case primitive.OpCodeStartup:
		return c.startup(dst, f)
	}
	if !c.ready {
		return nil, cqlerror.Protocol("Unexpected message %s, expecting STARTUP or OPTIONS", f.OpCode)
	}
	switch f.OpCode {
	case primitive.OpCodeRegister:
		return c.register(dst, f)
	case primitive.OpCodeQuery:
		return c.query(dst, f)
	case primitive.OpCodePrepare:
		return c.prepare(dst, f)
	case primitive.OpCodeExecute:
		return c.execute(dst, f)
	case primitive.OpCodeBatch:
		return c.batch(dst, f)
	}
	return nil, cqlerror.Protocol("Unexpected message %s", f.OpCode)
}

const cqlVersion = "3.4.7"

func supported() message.Message {
	return &message.Supported{Options: map[string][]string{
		"CQL_VERSION": {cqlVersion}, "COMPRESSION": {}, "PROTOCOL_VERSIONS": {"4/v4"},
	}}
}

func (c *conn) startup(dst []byte, f native.Frame) ([]byte, error) {
	options, err := f.Startup()
	switch {
	case err != nil:
		return nil, err
	case c.ready:
		return nil, cqlerror.Protocol("Unexpected message STARTUP: the connection is started")
	case options["CQL_VERSION"] == "":
		return nil, cqlerror.Protocol("Missing value CQL_VERSION in STARTUP message")
	case options["COMPRESSION"] != "":
		return nil, cqlerror.Protocol("Unknown compression algorithm: %s", options["COMPRESSION"])
	}
	c.ready = true
	return c.reply(dst, f.Stream, &message.Ready{})
}

func (c *conn) register(dst []byte, f native.Frame) ([]byte, error) {
	events, err := f.Register()
	if err != nil {
		return nil, err
	}
	known := []string{statusChange, schemaChange, "TOPOLOGY_CHANGE"}
	for _, e := range events {
		if !slices.Contains(known, e) {
			return nil, cqlerror.Protocol("Invalid value '%s' for Event.Type", e)
		}
	}
	c.listenFor(events)
	return c.reply(dst, f.Stream, &message.Ready{})
}

// query executes a statement that was not prepared.
func (c *conn) query(dst []byte, f native.Frame) ([]byte, error) {
	text, err := f.Query(&c.options)
	if err != nil {
		return nil, err
	}
	s, binds, err := cql.Parse(text)
	if err != nil {
		return nil, err
	}
	switch s := s.(type) {
	case *cql.Use:
		return c.use(dst, f.Stream, s)
	case *cql.Truncate:
		return c.truncate(dst, f.Stream, s)
	case *cql.CreateKeyspace:
		return c.createKeyspace(dst, f.Stream, s)
	case *cql.AlterTable:
		return c.alterTable(dst, f.Stream, s)
	case *cql.CreateTable:
		return c.createTable(dst, f.Stream, s)
	}
	compiled, err := c.node.cluster.compile(c.keyspace, text, s, binds)
	if err != nil {
		return nil, err
	}
	return c.run(dst, f.Stream, compiled)
}

func (c *conn) execute(dst []byte, f native.Frame) ([]byte, error) {
	id, err := f.Execute(&c.options)
	if err != nil {
		return nil, err
	}
	s := c.node.prepared.get(id)
	if s == nil {
		return nil, cqlerror.Unprepared(id)
	}
	return c.run(dst, f.Stream, s)
}

func (c *conn) run(dst []byte, stream int16, s *statement) ([]byte, error) {
	if err := s.plan.Check(c.options.Values); err != nil {
		return nil, err
	}
	s.executions.Add(1)
	switch {
	case s.plan.Write != nil:
		return c.writeRow(dst, stream, s)
	case s.plan.Table.Virtual:
		return c.readVirtual(dst, stream, s)
	case s.plan.Select.Count:
		return c.countRows(dst, stream, s)
	}
	return c.readRows(dst, stream, s)
}
