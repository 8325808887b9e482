package plan

import (
	"encoding/binary"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
)

// A paging state is this byte, the rows that may still be returned, and the key of the last row of the page.
const stateVersion = 1

// State is the paging state after a page that ended with the row of a key, when left rows may still be returned.
func State(key []byte, left int) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{stateVersion}, uint32(left)), key...)
}

func (q *Query) resume(state []byte) error {
	if len(state) < 5 || state[0] != stateVersion {
		return cqlerror.Protocol("Invalid value for the paging state")
	}
	left := int(binary.BigEndian.Uint32(state[1:]))
	if left < 1 || left > q.Limit {
		return cqlerror.Protocol("Invalid value for the paging state")
	}
	q.Limit = left
	from, key := q.Range, state[5:]
	q.Range = q.Range.Past(key)
	if string(q.Range.From) < string(from.From) || from.To != nil && (q.Range.To == nil || string(q.Range.To) > string(from.To)) {
		return cqlerror.Protocol("the paging state belongs to another statement")
	}
	return nil
}
