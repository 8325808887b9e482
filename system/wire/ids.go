package wire

import (
	"fmt"

	"github.com/chatlab/chatlab/system/chat"
)

// IDBytes concatenates ids for a protobuf field.
func IDBytes(ids ...chat.ID) []byte {
	b := make([]byte, 0, 16*len(ids))
	for _, id := range ids {
		b = append(b, id[:]...)
	}
	return b
}

// IDs splits a field of concatenated ids.
func IDs(b []byte) ([]chat.ID, error) {
	if len(b)%16 != 0 {
		return nil, fmt.Errorf("split ids: %d bytes are not a multiple of 16", len(b))
	}
	ids := make([]chat.ID, len(b)/16)
	for i := range ids {
		copy(ids[i][:], b[16*i:])
	}
	return ids, nil
}

// ID reads a field of one id; anything but 16 bytes is the zero id.
func ID(b []byte) (id chat.ID) {
	if len(b) == 16 {
		copy(id[:], b)
	}
	return id
}
