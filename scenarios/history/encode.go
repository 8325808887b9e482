package history

import "encoding/binary"

// Tags of records that are no events; an event's tag is its kind plus tagEvent. What is written:
//
//	text   tagText, length, bytes          the next ID, from 1 on, means this text
//	uuid   tagUUID, 16 bytes               the same for a UUID, which is shown in its canonical form
//	event  kind, time, mask, values        all as differences to the last event (time) and the last one of the kind (fields)
//	end    tagEnd, number of events        without it the file was cut
//
// Numbers are varints, differences zigzag varints; bit i of the mask says that the kind's field i changed.
const (
	tagText  = 1
	tagUUID  = 2
	tagEnd   = 3
	tagEvent = 15
)

// maxText bounds an interned text in bytes; a longer one is cut.
const maxText = 16 << 10

// maxRecord is more than an event takes: tag, time, mask and nine fields, 10 bytes each.
const maxRecord = 128

// differ holds what differences are made against, the same on both sides.
type differ struct {
	schemas *[kinds]schema
	last    [kinds]Event
	at      int64
}

func newDiffer() differ { return differ{schemas: schemas()} }

// append codes an event.
func (d *differ) append(b []byte, e *Event) []byte {
	b = append(b, byte(e.Kind)+tagEvent)
	b = binary.AppendVarint(b, int64(e.At)-d.at)
	d.at = int64(e.At)
	last, mask := &d.last[e.Kind], uint64(0)
	list := d.schemas[e.Kind].fields
	for i, f := range list {
		if e.get(f) != last.get(f) {
			mask |= 1 << i
		}
	}
	b = binary.AppendUvarint(b, mask)
	for i, f := range list {
		if mask&(1<<i) != 0 {
			v := e.get(f)
			b = binary.AppendVarint(b, v-last.get(f))
			last.set(f, v)
		}
	}
	return b
}
