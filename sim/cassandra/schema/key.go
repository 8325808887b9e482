package schema

import (
	"bytes"

	"github.com/datastax/go-cassandra-native-protocol/primitive"
)

// AppendKey appends a value so that the bytes of two keys compare as Cassandra orders the values; no value's bytes are
// the beginning of another's. Descending turns the order round.
func AppendKey(key []byte, t Type, value []byte, descending bool) []byte {
	from := len(key)
	switch t.Code() {
	case primitive.DataTypeCodeVarchar, primitive.DataTypeCodeAscii, primitive.DataTypeCodeBlob:
		key = appendEscaped(key, value)
	case primitive.DataTypeCodeTimeuuid:
		key = appendTimeUUID(key, value)
	case primitive.DataTypeCodeUuid:
		key = appendUUID(key, value)
	case primitive.DataTypeCodeBoolean:
		key = append(key, value...)
	default: // signed integers
		key = append(key, value...)
		key[from] ^= 0x80
	}
	if descending {
		for i := from; i < len(key); i++ {
			key[i] ^= 0xff
		}
	}
	return key
}

// appendEscaped ends a value of any length with 0x00 0x00; a 0x00 inside becomes 0x00 0xff.
func appendEscaped(key, value []byte) []byte {
	for {
		n := bytes.IndexByte(value, 0)
		if n < 0 {
			return append(append(key, value...), 0, 0)
		}
		key = append(append(key, value[:n+1]...), 0xff)
		value = value[n+1:]
	}
}

// appendTimeUUID puts the time's high bits first. The other half is compared as signed bytes, as Cassandra does.
func appendTimeUUID(key, v []byte) []byte {
	key = append(key, v[6], v[7], v[4], v[5], v[0], v[1], v[2], v[3])
	for _, b := range v[8:16] {
		key = append(key, b^0x80)
	}
	return key
}

// appendUUID orders by version first, time UUIDs among them by time, the others by their bytes.
func appendUUID(key, v []byte) []byte {
	version := v[6] >> 4
	key = append(key, version)
	if version == 1 {
		return append(append(key, v[6], v[7], v[4], v[5], v[0], v[1], v[2], v[3]), v[8:16]...)
	}
	return append(key, v...)
}

// After is the smallest key above every key that begins with prefix; nil if there is none.
func After(prefix []byte) []byte {
	n := len(prefix)
	for n > 0 && prefix[n-1] == 0xff {
		n--
	}
	if n == 0 {
		return nil
	}
	out := bytes.Clone(prefix[:n])
	out[n-1]++
	return out
}
