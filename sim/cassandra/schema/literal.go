package schema

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"

	"github.com/datastax/go-cassandra-native-protocol/primitive"
	"github.com/google/uuid"

	"github.com/chatlab/chatlab/sim/cassandra/cql"
	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// Literal encodes a literal as a value of the type; null is nil.
func Literal(t Type, column string, term cql.Term) ([]byte, error) {
	if term.Kind == cql.Null {
		return nil, nil
	}
	value, ok := encode(t, term)
	if !ok {
		return nil, cqlerror.Invalid("Invalid %s constant (%s) for \"%s\" of type %s", term.Kind, term.Text, column, Name(t))
	}
	if ElementType(t) != nil {
		return value, nil
	}
	return value, Check(t, value)
}

func encode(t Type, term cql.Term) ([]byte, bool) {
	switch term.Kind {
	case cql.Set:
		return encodeSet(t, term.Elements)
	case cql.Integer, cql.Decimal:
		return encodeNumber(t, term)
	case cql.String:
		return []byte(term.Text), t.Code() == primitive.DataTypeCodeVarchar || t.Code() == primitive.DataTypeCodeAscii
	case cql.UUID:
		id, err := uuid.Parse(term.Text)
		return id[:], err == nil && (t.Code() == primitive.DataTypeCodeUuid || t.Code() == primitive.DataTypeCodeTimeuuid)
	case cql.Blob:
		b, err := hex.DecodeString(term.Text)
		return b, err == nil && t.Code() == primitive.DataTypeCodeBlob
	case cql.Boolean:
		b := []byte{0}
		if term.Text == "true" {
			b[0] = 1
		}
		return b, t.Code() == primitive.DataTypeCodeBoolean
	}
	return nil, false
}

func encodeNumber(t Type, term cql.Term) ([]byte, bool) {
	switch t.Code() {
	case primitive.DataTypeCodeFloat:
		f, err := strconv.ParseFloat(term.Text, 32)
		return binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(f))), err == nil
	case primitive.DataTypeCodeDouble:
		f, err := strconv.ParseFloat(term.Text, 64)
		return binary.BigEndian.AppendUint64(nil, math.Float64bits(f)), err == nil
	case primitive.DataTypeCodeTinyint, primitive.DataTypeCodeSmallint, primitive.DataTypeCodeInt,
		primitive.DataTypeCodeBigint, primitive.DataTypeCodeTimestamp:
		w := width(t)
		n, err := strconv.ParseInt(term.Text, 10, 8*w)
		return binary.BigEndian.AppendUint64(nil, uint64(n))[8-w:], err == nil && term.Kind == cql.Integer
	}
	return nil, false
}

func encodeSet(t Type, elements []cql.Term) ([]byte, bool) {
	typ := ElementType(t)
	if typ == nil {
		return nil, false
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(len(elements)))
	for _, e := range elements {
		v, ok := encode(typ, e)
		if !ok {
			return nil, false
		}
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(v))), v...)
	}
	return out, true
}
