package schema

import (
	"encoding/binary"
	"math"
	"time"
	"unicode/utf8"

	"github.com/datastax/go-cassandra-native-protocol/primitive"
	"github.com/google/uuid"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// Check refuses bytes that are no value of the type. A set is checked when it is split into its elements.
func Check(t Type, value []byte) error {
	if w := width(t); w > 0 && len(value) != w {
		return cqlerror.Invalid("Expected %d bytes for a %s (got %d)", w, Name(t), len(value))
	}
	switch t.Code() {
	case primitive.DataTypeCodeVarchar:
		if !utf8.Valid(value) {
			return cqlerror.Invalid("String didn't validate: it is not UTF-8")
		}
	case primitive.DataTypeCodeAscii:
		for _, c := range value {
			if c > 127 {
				return cqlerror.Invalid("Invalid byte for ascii: %d", c)
			}
		}
	case primitive.DataTypeCodeTimeuuid:
		if value[6]>>4 != 1 {
			return cqlerror.Invalid("Invalid version for TimeUUID type: %d", value[6]>>4)
		}
	}
	return nil
}

// maxElements and maxElement bound a set as Cassandra does.
const (
	maxElements = 1<<16 - 1
	maxElement  = 1<<16 - 1
)

// Elements splits a set as it is sent: a count, then each element with its length.
func Elements(t Type, value []byte) ([][]byte, error) {
	bad := cqlerror.Invalid("Invalid bytes for a %s", Name(t))
	n, rest, ok := cutInt(value)
	if !ok || n < 0 || n > maxElements || n > len(rest)/4 {
		return nil, bad
	}
	out := make([][]byte, n)
	for i := range out {
		size, tail, ok := cutInt(rest)
		if !ok || size < 0 || size > len(tail) {
			return nil, bad
		}
		if size > maxElement {
			return nil, cqlerror.Invalid("The set element of %d bytes is longer than %d", size, maxElement)
		}
		out[i], rest = tail[:size:size], tail[size:]
		if err := Check(ElementType(t), out[i]); err != nil {
			return nil, err
		}
	}
	if len(rest) > 0 {
		return nil, bad
	}
	return out, nil
}

func cutInt(b []byte) (n int, rest []byte, ok bool) {
	if len(b) < 4 {
		return 0, nil, false
	}
	return int(int32(binary.BigEndian.Uint32(b))), b[4:], true
}

// Go turns a value into the Go value that one would expect: string, bool, int64, float64, []byte, time.Time, uuid.UUID.
func Go(t Type, value []byte) any {
	switch t.Code() {
	case primitive.DataTypeCodeVarchar, primitive.DataTypeCodeAscii:
		return string(value)
	case primitive.DataTypeCodeBoolean:
		return value[0] != 0
	case primitive.DataTypeCodeTinyint:
		return int64(int8(value[0]))
	case primitive.DataTypeCodeSmallint:
		return int64(int16(binary.BigEndian.Uint16(value)))
	case primitive.DataTypeCodeInt:
		return int64(int32(binary.BigEndian.Uint32(value)))
	case primitive.DataTypeCodeBigint:
		return int64(binary.BigEndian.Uint64(value))
	case primitive.DataTypeCodeTimestamp:
		return time.UnixMilli(int64(binary.BigEndian.Uint64(value))).UTC()
	case primitive.DataTypeCodeFloat:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(value)))
	case primitive.DataTypeCodeDouble:
		return math.Float64frombits(binary.BigEndian.Uint64(value))
	case primitive.DataTypeCodeUuid, primitive.DataTypeCodeTimeuuid:
		return uuid.UUID(value)
	}
	return value
}
