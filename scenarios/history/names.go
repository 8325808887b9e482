package history

import "github.com/google/uuid"

// names are the interned texts in the order of their IDs, packed so that millions of UUIDs stay cheap.
type names struct {
	blocks [][]byte // texts behind one another
	refs   []nameRef
}

type nameRef struct {
	block  uint32
	from   uint32
	length int32 // -1: a UUID
}

// The first block is small, because most histories are; those after it double, up to 1 MiB.
const (
	firstBlock = 1 << 14
	doublings  = 6
)

// add gives the next ID to a text, or to a UUID in its 16 bytes.
func (n *names) add(b []byte, isUUID bool) {
	last := len(n.blocks) - 1
	if last < 0 || len(n.blocks[last])+len(b) > cap(n.blocks[last]) {
		n.blocks = append(n.blocks, make([]byte, 0, max(firstBlock<<min(len(n.blocks), doublings), len(b))))
		last++
	}
	ref := nameRef{uint32(last), uint32(len(n.blocks[last])), int32(len(b))}
	if isUUID {
		ref.length = -1
	}
	n.blocks[last] = append(n.blocks[last], b...)
	n.refs = append(n.refs, ref)
}

func (n *names) name(id ID) string {
	if id == 0 || int(id) > len(n.refs) {
		return ""
	}
	ref := n.refs[id-1]
	block := n.blocks[ref.block][ref.from:]
	if ref.length < 0 {
		return uuid.UUID(block[:16]).String()
	}
	return string(block[:ref.length])
}
