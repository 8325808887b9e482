package cassandra

import (
	"bytes"
	"encoding/binary"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/datastax/go-cassandra-native-protocol/frame"
	"github.com/datastax/go-cassandra-native-protocol/message"
	"github.com/datastax/go-cassandra-native-protocol/primitive"
	"github.com/stretchr/testify/require"

	system "github.com/chatlab/chatlab/system/cassandra"
)

// talk gives a client's bytes to a node of a fresh cluster and returns all that it says until it hangs up.
func talk(t testing.TB, c *Cluster, sent []byte) []*frame.Frame {
	t.Helper()
	nc := &recording{in: bytes.NewReader(sent)}
	newConn(c.nodes[0], nc).serve()
	codec, out := frame.NewCodec(), []*frame.Frame{}
	for nc.out.Len() > 0 {
		f, err := codec.DecodeFrame(&nc.out)
		require.NoError(t, err, "the server's own frame is broken")
		out = append(out, f)
	}
	return out
}

// offline is a cluster to which nobody can connect.
func offline(t testing.TB, n int) *Cluster {
	t.Helper()
	c, err := New(Config{Nodes: Nodes(n), Listen: func(string, string) (net.Listener, error) {
		return deafListener{make(chan struct{})}, nil
	}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

type deafListener struct{ closed chan struct{} }

func (l deafListener) Accept() (net.Conn, error) { <-l.closed; return nil, net.ErrClosed }
func (l deafListener) Close() error              { close(l.closed); return nil }
func (l deafListener) Addr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// recording is a connection whose other end has said everything it will say.
type recording struct {
	in  *bytes.Reader
	out bytes.Buffer
}

func (r *recording) Read(b []byte) (int, error)       { return r.in.Read(b) }
func (r *recording) Write(b []byte) (int, error)      { return r.out.Write(b) }
func (r *recording) Close() error                     { return nil }
func (r *recording) LocalAddr() net.Addr              { return nil }
func (r *recording) RemoteAddr() net.Addr             { return nil }
func (r *recording) SetDeadline(time.Time) error      { return nil }
func (r *recording) SetReadDeadline(time.Time) error  { return nil }
func (r *recording) SetWriteDeadline(time.Time) error { return nil }

func startup() message.Message { return message.NewStartup() }

func query(text string, values ...[]byte) message.Message {
	o := &message.QueryOptions{Consistency: primitive.ConsistencyLevelQuorum}
	for _, v := range values {
		o.PositionalValues = append(o.PositionalValues, primitive.NewValue(v))
	}
	return &message.Query{Query: text, Options: o}
}

// encode makes the bytes of a conversation.
func encode(t testing.TB, messages ...message.Message) []byte {
	t.Helper()
	var b bytes.Buffer
	codec := frame.NewCodec()
	for i, m := range messages {
		require.NoError(t, codec.EncodeFrame(frame.NewFrame(primitive.ProtocolVersion4, int16(i), m), &b))
	}
	return b.Bytes()
}

// migrated makes the system's tables in a keyspace k.
func migrated() []message.Message {
	out := []message.Message{
		startup(), query(`CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}`), query(`USE k`),
	}
	for _, q := range system.Tables() {
		out = append(out, query(q))
	}
	return out
}

func refusal(t testing.TB, f *frame.Frame) message.Error {
	t.Helper()
	m, ok := f.Body.Message.(message.Error)
	require.True(t, ok, "%v is no error", f)
	return m
}

func TestProtocolBeforeStartup(t *testing.T) {
	c := offline(t, 1)
	got := talk(t, c, encode(t, &message.Options{}, query(`SELECT * FROM system.local`), startup(), startup(), query(`USE system`)))
	require.Len(t, got, 5)
	require.IsType(t, &message.Supported{}, got[0].Body.Message)
	require.Contains(t, refusal(t, got[1]).GetErrorMessage(), "expecting STARTUP")
	require.IsType(t, &message.Ready{}, got[2].Body.Message)
	require.IsType(t, &message.ProtocolError{}, got[3].Body.Message)
	require.IsType(t, &message.SetKeyspaceResult{}, got[4].Body.Message)
	for i, f := range got {
		require.EqualValues(t, i, f.Header.StreamId)
	}
}

// TestBrokenFrames walks frames after which a connection ends: the last thing said is why.
func TestBrokenFrames(t *testing.T) {
	header := func(version, flags byte, stream int16, size uint32) []byte {
		b := []byte{version, flags, byte(uint16(stream) >> 8), byte(stream), byte(primitive.OpCodeQuery)}
		return binary.BigEndian.AppendUint32(b, size)
	}
	for why, b := range map[string][]byte{
		"the lowest supported version is 4 and the greatest is 4": header(5, 0, 1, 10),
		"Invalid or unsupported protocol version (3)":             header(3, 0, 1, 10),
		"compression was not agreed upon":                         header(4, 1, 1, 10),
		"ids below 0 are the server's":                            header(4, 0, -1, 10),
		"is longer than the 16777216":                             header(4, 0, 1, 16<<20+1),
		"a frame of 4294967295 bytes":                             header(4, 0, 1, 1<<32-1),
	} {
		got := talk(t, offline(t, 1), append(encode(t, startup()), append(b, encode(t, startup())...)...))
		require.Len(t, got, 2, why)
		require.IsType(t, &message.ProtocolError{}, got[1].Body.Message)
		require.Contains(t, refusal(t, got[1]).GetErrorMessage(), why)
	}
	cut := encode(t, startup())
	require.Empty(t, talk(t, offline(t, 1), cut[:len(cut)-1]), "half a frame is no request")
}

// TestMalformedBodies walks requests that are refused while the connection goes on.
func TestMalformedBodies(t *testing.T) {
	request := func(op primitive.OpCode, body ...byte) []byte {
		b := append([]byte{4, 0, 0, 9, byte(op)}, binary.BigEndian.AppendUint32(nil, uint32(len(body)))...)
		return append(b, body...)
	}
	for why, b := range map[string][]byte{
		"a QUERY message is cut short":             request(primitive.OpCodeQuery, 0x7f, 0xff, 0xff, 0xff, 'x'),
		"a PREPARE message is cut short":           request(primitive.OpCodePrepare, 0xff, 0xff, 0xff, 0xff),
		"a EXECUTE message is cut short":           request(primitive.OpCodeExecute, 0, 16, 1),
		"a BATCH message is cut short":             request(primitive.OpCodeBatch, 0, 0xff, 0xff),
		"Must be 0 or 1 but got 7":                 request(primitive.OpCodeBatch, 0, 0, 1, 7),
		"batches of counters are not supported":    request(primitive.OpCodeBatch, 2, 0, 0, 0, 1, 0),
		"a PREPARE message has 1 bytes too many":   request(primitive.OpCodePrepare, 0, 0, 0, 1, 'x', 'y'),
		"values with names are not supported":      request(primitive.OpCodeQuery, 0, 0, 0, 0, 0, 1, 0x40),
		"Invalid value 'NEWS' for Event.Type":      request(primitive.OpCodeRegister, 0, 1, 0, 4, 'N', 'E', 'W', 'S'),
		"is not known to this node":                request(primitive.OpCodeExecute, 0, 2, 1, 2, 0, 1, 0),
		"Unexpected message OpCode AUTH RESPONSE":  request(primitive.OpCodeAuthResponse, 0, 0, 0, 0),
		"Unexpected message OpCode RESULT":         request(primitive.OpCodeResult),
		"Unexpected message OpCode ? [0X77]":       request(0x77),
		"a statement of 70000 bytes is longer":     request(primitive.OpCodePrepare, append([]byte{0, 1, 0x11, 0x70}, make([]byte, 70000)...)...),
		"line 1:0 expected a statement, found 'x'": request(primitive.OpCodePrepare, 0, 0, 0, 1, 'x'),
	} {
		got := talk(t, offline(t, 1), append(append(encode(t, startup()), b...), encode(t, &message.Options{})...))
		require.Len(t, got, 3, why)
		require.Contains(t, refusal(t, got[1]).GetErrorMessage(), why)
		require.EqualValues(t, 9, got[1].Header.StreamId)
		require.IsType(t, &message.Supported{}, got[2].Body.Message)
	}
}

// TestWrongValues walks values that no driver sends.
func TestWrongValues(t *testing.T) {
	id, short, v4 := make([]byte, 16), make([]byte, 3), []byte("\x00\x00\x00\x00\x00\x00\x40\x00\x80\x00\x00\x00\x00\x00\x00\x00")
	type bad struct {
		stmt, why string
		values    [][]byte
	}
	for _, b := range []bad{
		{`SELECT seq FROM messages WHERE conversation_id = ?`, "0 values for 1 markers", nil},
		{`SELECT seq FROM messages WHERE conversation_id = ?`, "Expected 16 bytes for a uuid (got 3)", [][]byte{short}},
		{`SELECT seq FROM messages WHERE conversation_id = ?`, "Invalid null value in condition for column conversation_id", [][]byte{nil}},
		{`SELECT seq FROM messages WHERE conversation_id = ? AND timestamp > ?`, "Invalid version for TimeUUID type: 4", [][]byte{id, v4}},
		{`SELECT seq FROM messages WHERE conversation_id = ? LIMIT ?`, "Expected 4 bytes for a int (got 3)", [][]byte{id, short}},
		{`SELECT seq FROM messages WHERE conversation_id = ? LIMIT ?`, "LIMIT must be strictly positive", [][]byte{id, {0xff, 0xff, 0xff, 0xff}}},
		{`UPDATE conversations SET type = ? WHERE conversation_id = ?`, "it is not UTF-8", [][]byte{{0xff}, id}},
		{`UPDATE conversations SET participants = ? WHERE conversation_id = ?`, "Invalid bytes for a set<uuid>", [][]byte{{0x7f, 0xff, 0xff, 0xff}, id}},
		{`UPDATE conversations SET participants = ? WHERE conversation_id = ?`, "Expected 16 bytes for a uuid (got 1)", [][]byte{{0, 0, 0, 1, 0, 0, 0, 1, 9}, id}},
		{`UPDATE conversations SET participants = ? WHERE conversation_id = ?`, "Invalid bytes for a set<uuid>", [][]byte{{0, 0, 0, 0, 9}, id}},
		{`UPDATE conversations USING TIMESTAMP -9223372036854775808 SET type = 'a' WHERE conversation_id = ?`, "Out of bound timestamp", [][]byte{id}},
		{`UPDATE conversations USING TTL -5 SET type = 'a' WHERE conversation_id = ?`, "greater or equal to 0, but was -5", [][]byte{id}},
	} {
		got := talk(t, offline(t, 1), encode(t, append(migrated(), query(b.stmt, b.values...))...))
		require.Contains(t, refusal(t, got[len(got)-1]).GetErrorMessage(), b.why, b.stmt)
	}
}

// FuzzFrame sends anything to a node: it must not panic, answer only with whole frames and end with its client.
func FuzzFrame(f *testing.F) {
	id := make([]byte, 16)
	f.Add(encode(f, startup(), &message.Options{}, &message.Register{EventTypes: []primitive.EventType{"STATUS_CHANGE", "SCHEMA_CHANGE"}}))
	f.Add(encode(f, startup(), query(`SELECT * FROM system.peers_v2`), query(`SELECT key FROM system.local WHERE key = ?`, []byte("local"))))
	read := query(`SELECT seq, content FROM messages WHERE conversation_id = ? AND timestamp > ? ORDER BY timestamp ASC LIMIT ?`, id, timeUUID(1), []byte{0, 0, 0, 5}).(*message.Query)
	read.Options.PageSize, read.Options.PagingState = 2, []byte{1, 0, 0, 0, 3, 9}
	insert := &message.Prepare{Query: system.Statements()[0]}
	f.Add(encode(f, append(migrated(), insert, read, query(`TRUNCATE messages`))...))
	batch := &message.Batch{Type: primitive.BatchTypeUnlogged, Children: []*message.BatchChild{
		{Query: `UPDATE conversations SET participants = participants + ? WHERE conversation_id = ?`, Values: []*primitive.Value{
			primitive.NewValue(append([]byte{0, 0, 0, 1, 0, 0, 0, 16}, id...)), primitive.NewValue(id)}},
		{Query: `DELETE FROM conversations WHERE conversation_id = 00000000-0000-0000-0000-000000000000`},
	}}
	f.Add(encode(f, append(migrated(), batch, query(`SELECT * FROM conversations WHERE conversation_id = ?`, id))...))
	f.Fuzz(func(t *testing.T, sent []byte) {
		talk(t, offline(t, 3), sent)
	})
}

func timeUUID(n byte) []byte {
	return []byte{0, 0, 0, n, 0, 0, 0x10, 0, 0x80, 0, 0, 0, 0, 0, 0, 0}
}

func TestReadFrameTakesNoMemoryForPromises(t *testing.T) {
	promise := append(encode(t, startup()), 4, 0, 0, 1, byte(primitive.OpCodeQuery), 0, 0xff, 0xff, 0xff)
	c := offline(t, 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	talk(t, c, promise)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20), "a frame that only says that it is long")
}
