package history

import "time"

// ID is an interned text: a device, a user, a conversation, a message, a word. 0 is none.
type ID uint32

// Event is one thing that happened. Which fields a kind uses stands with the kind; the others are zero.
//
// Events stand in the file in the order in which they were recorded. What one goroutine recorded, and what it recorded
// after another told it something, is in that order; At of events from different goroutines may go back a little.
type Event struct {
	At         time.Duration // since the run began
	Intended   time.Duration // since the run began: when the open-loop plan wanted the send
	RetryAfter time.Duration // told with a refusal; 0: nothing was told
	Seq        int64         // place in the conversation, from 1; 0 where the write path gives none
	Until      int64         // last place of a range that begins at Seq; 0: it is not known
	Order      int64         // place of a row in the store's own order within its conversation, from 1
	Offset     int64         // of the record in the log
	Count      int64         // rows read; of a receipt: members besides the sender
	Value      float64       // of a metric

	Device       ID // "u17/phone"
	User         ID // whom the event is about
	Sender       ID // the user who sent the message
	Conversation ID
	ClientMsg    ID // client_msg_id: the identity of what a device intended to send; none for the system's own messages
	Message      ID // message_id
	Text         ID // the kind says of what
	Code         ID // of a refusal
	Label        ID // of a conversation, of a metric
	Unit         ID // of a metric

	Attempt   int32 // 1 for the first
	Delivered int32 // members who have a place
	ReadBy    int32 // and who have read it
	CloseCode int32 // 0: the connection broke without one
	Kind      Kind
}

// Identity is what makes two sightings the same message: the client_msg_id, or the message_id where the system wrote it.
func (e *Event) Identity() ID {
	if e.ClientMsg != 0 {
		return e.ClientMsg
	}
	return e.Message
}
