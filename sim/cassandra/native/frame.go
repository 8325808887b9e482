// Package native reads the requests of version 4 of the CQL native protocol and writes its responses. Requests come from
// strangers, so they are decoded here against their real length; of the responses only rows, which dominate, are encoded
// here and the rest by the protocol's library.
package native

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"

	"github.com/datastax/go-cassandra-native-protocol/primitive"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// MaxFrame bounds the body of a request, in bytes.
const MaxFrame = 16 << 20

const (
	version    = byte(primitive.ProtocolVersion4)
	response   = 0x80
	headerSize = 9
)

// Frame is a request as it came.
type Frame struct {
	Version byte
	Flags   primitive.HeaderFlag
	Stream  int16
	OpCode  primitive.OpCode
	Body    []byte // its own memory: what is decoded from it may be kept
}

// ReadFrame reads a request. An error that is a *cqlerror.Error is for the client, on f.Stream; the connection cannot
// go on after any error.
func ReadFrame(r *bufio.Reader) (f Frame, err error) {
	header, err := r.Peek(headerSize)
	if err != nil {
		return f, err
	}
	f = Frame{Version: header[0], Flags: primitive.HeaderFlag(header[1]), OpCode: primitive.OpCode(header[4])}
	f.Stream = int16(binary.BigEndian.Uint16(header[2:]))
	size := int32(binary.BigEndian.Uint32(header[5:]))
	if err := f.check(size); err != nil {
		return f, err
	}
	if _, err := r.Discard(headerSize); err != nil {
		return f, err
	}
	f.Body, err = readBody(r, int(size))
	return f, err
}

func (f *Frame) check(size int32) error {
	switch {
	case f.Version != version: // drivers look for the end of this sentence
		return cqlerror.Protocol("Invalid or unsupported protocol version (%d); the lowest supported version is %d and the greatest is %d",
			f.Version&^response, version, version)
	case f.Flags.Contains(primitive.HeaderFlagCompressed):
		return cqlerror.Protocol("compression was not agreed upon")
	case f.Stream < 0:
		return cqlerror.Protocol("a request has the stream id %d: ids below 0 are the server's", f.Stream)
	case size < 0 || size > MaxFrame:
		return cqlerror.Protocol("a frame of %d bytes is longer than the %d that this server takes", uint32(size), MaxFrame)
	}
	return nil
}

// readBody takes memory for a long body only as it arrives.
func readBody(r io.Reader, size int) ([]byte, error) {
	const atOnce = 64 << 10
	if size <= atOnce {
		body := make([]byte, size)
		_, err := io.ReadFull(r, body)
		return body, err
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, int64(size)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Buffered tells whether a whole frame waits in r, so that reading it does not block.
func Buffered(r *bufio.Reader) bool {
	n := r.Buffered()
	if n < headerSize {
		return false
	}
	header, err := r.Peek(headerSize)
	return err == nil && n-headerSize >= int(binary.BigEndian.Uint32(header[5:]))
}

// appendHeader begins a response of which the length is not known yet; finish fills it in.
func appendHeader(dst []byte, stream int16, op primitive.OpCode) []byte {
	return append(dst, version|response, 0, byte(uint16(stream)>>8), byte(stream), byte(op), 0, 0, 0, 0)
}

func finish(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at+5:], uint32(len(dst)-at-headerSize))
	return dst
}
