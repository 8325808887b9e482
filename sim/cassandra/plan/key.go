package plan

import (
	"encoding/binary"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
	"github.com/chatlab/chatlab/sim/cassandra/native"
	"github.com/chatlab/chatlab/sim/cassandra/schema"
)

// maxKey bounds a partition key and a clustering value, as Cassandra does.
const maxKey = 1<<16 - 1

// partitionKey makes the bytes of a partition key, which also drivers hash: the value itself, or if there are several
// each with its length before and a zero after it.
func partitionKey(operands []operand, values []native.Value) ([]byte, error) {
	if len(operands) == 1 {
		v, err := operands[0].key(values)
		if err != nil {
			return nil, err
		}
		if len(v) == 0 {
			return nil, cqlerror.Invalid("Key may not be empty")
		}
		return v, checkKey(v)
	}
	var key []byte
	for i := range operands {
		v, err := operands[i].key(values)
		if err != nil {
			return nil, err
		}
		if err := checkKey(v); err != nil {
			return nil, err
		}
		key = append(append(binary.BigEndian.AppendUint16(key, uint16(len(v))), v...), 0)
	}
	return key, checkKey(key)
}

func checkKey(v []byte) error {
	if len(v) > maxKey {
		return cqlerror.Invalid("Key length of %d is longer than maximum of %d", len(v), maxKey)
	}
	return nil
}

// SplitKey takes a partition key apart again.
func SplitKey(t *schema.Table, key []byte) [][]byte {
	if len(t.Of(schema.Partition)) == 1 {
		return [][]byte{key}
	}
	var out [][]byte
	for len(key) > 0 {
		n := int(binary.BigEndian.Uint16(key))
		out, key = append(out, key[2:2+n]), key[3+n:]
	}
	return out
}

// clusteringKey finds the values of the leading clustering columns and the bytes that order them. The bytes are never nil.
func clusteringKey(columns []*schema.Column, operands []operand, values []native.Value) (raw [][]byte, key []byte, err error) {
	key = make([]byte, 0, 18*len(operands))
	if len(operands) > 0 {
		raw = make([][]byte, len(operands))
	}
	for i := range operands {
		if raw[i], err = operands[i].key(values); err != nil {
			return nil, nil, err
		}
		if err := checkKey(raw[i]); err != nil {
			return nil, nil, err
		}
		key = schema.AppendKey(key, columns[i].Type, raw[i], columns[i].Descending)
	}
	return raw, key, nil
}
