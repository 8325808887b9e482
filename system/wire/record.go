package wire

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// Topics and consumer groups.
const (
	TopicMessages    = "chat.message_sent"
	TopicReceipts    = "chat.delivery_receipt"
	TopicDeadLetters = "chat.dead_letter"
	GroupFanout      = "fanout"   // on TopicMessages
	GroupReceipts    = "receipts" // on TopicReceipts
	GroupPush        = "push"     // on TopicMessages
)

// Topics names every topic with its number of partitions, which is fixed once it is made: it decides which
// conversations share one.
func Topics(partitions int) map[string]int {
	return map[string]int{TopicMessages: partitions, TopicReceipts: partitions, TopicDeadLetters: deadLetterPartitions}
}

// deadLetterPartitions are few: what cannot be processed is rare.
const deadLetterPartitions = 3

// TypeThrottle is a record without a place: it tells a group's members that the group limit refuses sends.
const TypeThrottle = "throttled"

// Record is the value of a record in chat.message_sent; its key is the conversation id's 16 bytes as text.
type Record struct {
	MessageID      chat.ID   `json:"message_id"`
	ConversationID chat.ID   `json:"conversation_id"`
	SenderID       chat.ID   `json:"sender_id"`
	Content        string    `json:"content"`
	MessageType    string    `json:"message_type"`
	Recipients     []chat.ID `json:"recipients,omitempty"` // the document's event names them; logfirst takes members from the log
	CreatedAt      time.Time `json:"created_at"`
	ClientMsgID    chat.ID   `json:"client_msg_id"`
	Timestamp      chat.ID   `json:"timestamp,omitzero"`       // naive: the TIMEUUID under which the pod stored it
	RetryAfterMS   int64     `json:"retry_after_ms,omitempty"` // throttled
}

// Key is the record's partitioning key.
func (r Record) Key() []byte { return []byte(r.ConversationID.String()) }

// Message returns the record as a message without its place.
func (r Record) Message() chat.Message {
	return chat.Message{
		ID: r.MessageID, ConversationID: r.ConversationID, SenderID: r.SenderID, ClientMsgID: r.ClientMsgID,
		Type: r.MessageType, Content: r.Content, CreatedAt: r.CreatedAt,
	}
}

// RecordOf makes the record of a message.
func RecordOf(m chat.Message) Record {
	return Record{
		MessageID: m.ID, ConversationID: m.ConversationID, SenderID: m.SenderID, ClientMsgID: m.ClientMsgID,
		MessageType: m.Type, Content: m.Content, CreatedAt: m.CreatedAt, Timestamp: m.Place.Timestamp,
	}
}

// DecodeRecord reads a record's value; an error means that no worker can process it.
func DecodeRecord(value []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("decode record: %w", err)
	}
	none := chat.ID{}
	switch {
	case r.ConversationID == none || r.MessageType == "":
		return r, fmt.Errorf("decode record: no conversation_id or message_type")
	case r.MessageType != TypeThrottle && (r.MessageID == none || r.SenderID == none):
		return r, fmt.Errorf("decode record: no message_id or sender_id")
	case r.Timestamp != none && r.Timestamp.Version() != 1:
		return r, fmt.Errorf("decode record: timestamp %s is a version %d UUID, not a TIMEUUID", r.Timestamp, r.Timestamp.Version())
	}
	return r, nil
}
