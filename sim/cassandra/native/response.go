package native

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/datastax/go-cassandra-native-protocol/datatype"
	"github.com/datastax/go-cassandra-native-protocol/frame"
	"github.com/datastax/go-cassandra-native-protocol/message"
	"github.com/datastax/go-cassandra-native-protocol/primitive"
)

// EventStream is the stream of what the server says unasked.
const EventStream = -1

// Encoder encodes responses. It may be shared.
type Encoder struct{ codec frame.Codec }

// NewEncoder makes an encoder.
func NewEncoder() *Encoder { return &Encoder{frame.NewCodec()} }

// Append appends any response.
func (e *Encoder) Append(dst []byte, stream int16, m message.Message) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	if err := e.codec.EncodeFrame(frame.NewFrame(primitive.ProtocolVersion4, stream, m), b); err != nil {
		return dst, err
	}
	return b.Bytes(), nil
}

// AppendCopy appends a response that was encoded before, as the answer on another stream.
func AppendCopy(dst []byte, stream int16, encoded []byte) []byte {
	at := len(dst)
	dst = append(dst, encoded...)
	binary.BigEndian.PutUint16(dst[at+2:], uint16(stream))
	return dst
}

// AppendVoid appends the answer to a write.
func AppendVoid(dst []byte, stream int16) []byte {
	at := len(dst)
	dst = appendHeader(dst, stream, primitive.OpCodeResult)
	dst = binary.BigEndian.AppendUint32(dst, uint32(primitive.ResultTypeVoid))
	return finish(dst, at)
}

// Columns describes the columns of a result, ready to be sent.
type Columns struct {
	count   int
	encoded []byte
}

// NewColumns encodes the description of columns, which are all of one table.
func NewColumns(columns []*message.ColumnMetadata) (Columns, error) {
	var b bytes.Buffer
	for i, c := range columns {
		if i == 0 {
			b.Write(appendString(appendString(nil, c.Keyspace), c.Table))
		}
		b.Write(appendString(nil, c.Name))
		if err := datatype.WriteDataType(c.Type, &b, primitive.ProtocolVersion4); err != nil {
			return Columns{}, err
		}
	}
	return Columns{len(columns), b.Bytes()}, nil
}

func appendString(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

const (
	flagOneTable = 1 << iota
	flagMorePages
	flagNoMetadata
)

// Rows appends a result row by row to Buffer.
type Rows struct {
	Buffer []byte
	start  int // of the frame
	at     int // where the number of rows goes
	n      int
	flags  int // where the flags are
	paging int // where a paging state would go
}

// BeginRows begins a result.
func BeginRows(dst []byte, stream int16, c Columns, skipMetadata bool) *Rows {
	r := &Rows{start: len(dst)}
	b := appendHeader(dst, stream, primitive.OpCodeResult)
	b = binary.BigEndian.AppendUint32(b, uint32(primitive.ResultTypeRows))
	flags := uint32(flagOneTable)
	if skipMetadata {
		flags = flagNoMetadata
	}
	r.flags = len(b)
	b = binary.BigEndian.AppendUint32(b, flags)
	b = binary.BigEndian.AppendUint32(b, uint32(c.count))
	r.paging = len(b)
	if !skipMetadata {
		b = append(b, c.encoded...)
	}
	r.at = len(b)
	r.Buffer = binary.BigEndian.AppendUint32(b, 0)
	return r
}

// Size is the number of bytes so far.
func (r *Rows) Size() int { return len(r.Buffer) - r.start }

// EndRow counts a row whose values have been appended.
func (r *Rows) EndRow() { r.n++ }

// Value appends a value of a row; nil is null.
func (r *Rows) Value(v []byte) {
	if v == nil {
		r.Buffer = append(r.Buffer, 0xff, 0xff, 0xff, 0xff)
		return
	}
	r.Buffer = append(binary.BigEndian.AppendUint32(r.Buffer, uint32(len(v))), v...)
}

// ValueFrom appends a value that write appends itself, null if it says that there is none.
func (r *Rows) ValueFrom(write func(dst []byte) (out []byte, ok bool)) {
	at := len(r.Buffer)
	b, ok := write(append(r.Buffer, 0, 0, 0, 0))
	if !ok {
		r.Buffer = b[:at]
		r.Value(nil)
		return
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	r.Buffer = b
}

// Finish ends the result. With a paging state there are more pages.
func (r *Rows) Finish(pagingState []byte) []byte {
	binary.BigEndian.PutUint32(r.Buffer[r.at:], uint32(r.n))
	if pagingState != nil {
		r.insertState(pagingState)
	}
	return finish(r.Buffer, r.start)
}

// insertState makes room for the paging state, which is only known now; pages are seldom.
func (r *Rows) insertState(state []byte) {
	r.Buffer[r.flags+3] |= flagMorePages
	length := binary.BigEndian.AppendUint32(nil, uint32(len(state)))
	r.Buffer = slices.Insert(r.Buffer, r.paging, append(length, state...)...)
}
