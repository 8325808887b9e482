package wire

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// Status of a receipt record.
const (
	StatusDelivered = chat.Delivered
	StatusRead      = chat.Read
	StatusTyping    = "typing"
)

// ReceiptRecord is the value of a record in chat.delivery_receipt: what the members of one conversation have received
// or read since the last one, coalesced, or who types. Its key is the conversation's id, so that one worker has all
// cursors of a conversation and can count them.
type ReceiptRecord struct {
	ConversationID chat.ID         `json:"conversation_id"`
	Status         string          `json:"status"`
	Timestamp      time.Time       `json:"timestamp"`
	Recipients     []ReceiptCursor `json:"recipients"`
}

// ReceiptCursor is how far one device of a recipient has come.
type ReceiptCursor struct {
	RecipientID chat.ID `json:"recipient_id"`
	Device      string  `json:"device"`
	Seq         int64   `json:"seq,omitempty"`
	Place       chat.ID `json:"place,omitzero"` // the place's TIMEUUID
}

// Key is the record's partitioning key.
func (r ReceiptRecord) Key() []byte { return []byte(r.ConversationID.String()) }

// DecodeReceipt reads a record's value; an error means that no worker can process it.
func DecodeReceipt(value []byte) (ReceiptRecord, error) {
	var r ReceiptRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("decode receipt: %w", err)
	}
	switch {
	case r.ConversationID == chat.ID{} || len(r.Recipients) == 0:
		return r, fmt.Errorf("decode receipt: no conversation_id or recipients")
	case r.Status != StatusDelivered && r.Status != StatusRead && r.Status != StatusTyping:
		return r, fmt.Errorf("decode receipt: status %.20q is unknown", r.Status)
	}
	for _, c := range r.Recipients {
		switch {
		case c.RecipientID == chat.ID{}:
			return r, fmt.Errorf("decode receipt: no recipient_id")
		case c.Place != chat.ID{} && c.Place.Version() != 1:
			return r, fmt.Errorf("decode receipt: place %s is a version %d UUID, not a TIMEUUID", c.Place, c.Place.Version())
		}
	}
	return r, nil
}
