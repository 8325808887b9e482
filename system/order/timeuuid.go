package order

import (
	"encoding/binary"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// Ticks counts 100 ns steps since 15 October 1582, the epoch of time UUIDs.
type Ticks int64

const (
	unixEpoch   Ticks = 0x01b21dd213814000
	windowTicks       = Ticks(Window / 100)
)

// TicksOf converts a time.
func TicksOf(t time.Time) Ticks { return unixEpoch + Ticks(t.Unix())*1e7 + Ticks(t.Nanosecond()/100) }

// Time converts back.
func (t Ticks) Time() time.Time {
	u := int64(t - unixEpoch)
	return time.Unix(u/1e7, u%1e7*100).UTC()
}

// TimeUUID makes the version 1 UUID of a place: the time orders it, the log position makes it unique and traceable.
func TimeUUID(t Ticks, partition int32, offset int64) (id chat.ID) {
	binary.BigEndian.PutUint32(id[0:], uint32(t))
	binary.BigEndian.PutUint16(id[4:], uint16(t>>32))
	binary.BigEndian.PutUint16(id[6:], uint16(t>>48)&0x0fff|0x1000)
	var node [8]byte
	binary.BigEndian.PutUint64(node[:], uint64(offset))
	copy(id[10:], node[2:])
	binary.BigEndian.PutUint16(id[8:], uint16(partition)&0x3fff|0x8000)
	return id
}

// TicksOfUUID reads the time of a version 1 UUID.
func TicksOfUUID(id chat.ID) Ticks {
	return Ticks(binary.BigEndian.Uint32(id[0:])) | Ticks(binary.BigEndian.Uint16(id[4:]))<<32 |
		Ticks(binary.BigEndian.Uint16(id[6:])&0x0fff)<<48
}

// First is a TIMEUUID below every one that TimeUUID makes: a page after it begins at the beginning.
func First() chat.ID { return TimeUUID(0, 0, 0) }
