package chat

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"
)

// ID names a user, a conversation or a message.
type ID = uuid.UUID

// NewID makes a random ID.
func NewID() ID { return uuid.New() }

// ParseID reads the canonical text form of an ID.
func ParseID(s string) (ID, error) {
	if len(s) != 36 { // the library takes braces and URNs too; one form is enough
		return ID{}, Errorf(CodeBadRequest, "%q is not an id: want 36 characters like %s", clip(s, 60), uuid.Nil)
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return ID{}, Errorf(CodeBadRequest, "%q is not an id: %v", clip(s, 60), err)
	}
	return id, nil
}

// NewClientMsgID makes the UUIDv7 by which a device names a send. Its time is the server's, as the device knows it
// from its session: the window of deduplication is measured from it.
func NewClientMsgID(serverTime time.Time) ID {
	id := uuid.New()
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(serverTime.UnixMilli())<<16)
	copy(id[:6], ms[:6])
	id[6] = 0x70 | id[6]&0x0f
	return id
}

// ClientMsgTime returns the time inside a client_msg_id, or a refusal if it is no UUIDv7.
func ClientMsgTime(id ID) (time.Time, error) {
	if id.Version() != 7 {
		return time.Time{}, Errorf(CodeBadRequest, "client_msg_id %s is a version %d UUID: make a version 7 one in server time", id, id.Version())
	}
	var ms [8]byte
	copy(ms[2:], id[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:]))), nil
}

// MessageID is the message's id as a pure function of its sender and client_msg_id, so that a retry names the same message.
func MessageID(sender, clientMsgID ID) ID {
	return uuid.NewSHA1(sender, clientMsgID[:])
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "..."
}
