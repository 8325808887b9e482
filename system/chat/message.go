package chat

import "time"

// Types of message. Those that the system writes itself take a place in the order like any other.
const (
	TypeText           = "text"
	TypeMembersAdded   = "members_added"   // content: JSON array of user ids
	TypeMembersRemoved = "members_removed" // content: JSON array of user ids
)

// Message is what one member said in a conversation.
type Message struct {
	ID             ID
	ConversationID ID
	SenderID       ID
	ClientMsgID    ID
	Type           string
	Content        string
	CreatedAt      time.Time // by the clock of the message pod that took it; shown, never used for order
	Place          Place
}

// Place is where a message stands in its conversation's order.
type Place struct {
	Seq       int64 // 1, 2, 3 ...; 0 where the write path gives none
	Timestamp ID    // TIMEUUID, the clustering key of storage; grows with Seq
	Partition int32 // of the log
	Offset    int64 // in that partition
}

// Position is a device's place in one conversation: the newest message it has shown.
type Position struct {
	ConversationID ID    `json:"conversation_id"`
	Seq            int64 `json:"seq"`
	Timestamp      ID    `json:"timestamp"`
}
