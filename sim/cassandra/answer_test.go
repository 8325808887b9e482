package cassandra

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/datastax/go-cassandra-native-protocol/message"
	"github.com/datastax/go-cassandra-native-protocol/primitive"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/cassandra/native"
	system "github.com/chatlab/chatlab/system/cassandra"
)

// BenchmarkAnswer measures the server alone, without sockets and client: three replicas at QUORUM.
func BenchmarkAnswer(b *testing.B) {
	id, number, text := make([]byte, 16), make([]byte, 8), bytes.Repeat([]byte("x"), 300)
	insert := func(i int) [][]byte {
		at := timeUUID(0)
		binary.BigEndian.PutUint32(at, uint32(i))
		return [][]byte{id, at, id, id, text, []byte("text"), number, number, number[:4], number, id}
	}
	b.Run("insert", func(b *testing.B) { benchmarkAnswer(b, 0, system.Statements()[0], insert) })
	newest := func(int) [][]byte { return [][]byte{id, {0, 0, 0, 50}} }
	b.Run("newest 50", func(b *testing.B) {
		benchmarkAnswer(b, 60, system.Statements()[1], newest, insert)
	})
}

func benchmarkAnswer(b *testing.B, before int, stmt string, values func(int) [][]byte, prefill ...func(int) [][]byte) {
	c := offline(b, 3)
	messages := append(migrated(), &message.Prepare{Query: stmt})
	for i := range before {
		messages = append(messages, query(system.Statements()[0], prefill[0](i)...))
	}
	nc := &recording{in: bytes.NewReader(encode(b, messages...))}
	conn := newConn(c.nodes[0], nc)
	conn.serve()
	body := func(i int) []byte {
		o := &message.QueryOptions{Consistency: primitive.ConsistencyLevelQuorum, SkipMetadata: true}
		for _, v := range values(i) {
			o.PositionalValues = append(o.PositionalValues, primitive.NewValue(v))
		}
		id := conn.node.prepared.order[len(conn.node.prepared.order)-1]
		return encode(b, &message.Execute{QueryId: id[:], Options: o})[9:]
	}
	bodies := make([][]byte, 1000)
	for i := range bodies {
		bodies[i] = body(i)
	}
	var out []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f := native.Frame{OpCode: primitive.OpCodeExecute, Body: bodies[i%len(bodies)]}
		out = conn.answer(out[:0], f)
	}
	require.Equal(b, byte(primitive.OpCodeResult), out[4])
}
