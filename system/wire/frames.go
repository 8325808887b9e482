package wire

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// Frame types. A device sends those of ClientFrame, a gateway those of ServerFrame.
const (
	TypeAuth      = "auth"
	TypeSend      = "send"
	TypeAck       = "ack"
	TypeMessage   = "message"
	TypeReceived  = "received"
	TypeHeartbeat = "heartbeat"
	TypeResume    = "resume"
	TypeResumed   = "resumed"
	TypeResync    = "resync"
	TypeError     = "error"
	TypeThrottled = "throttled"
	TypeRead      = "read"
	TypeTyping    = "typing"
	TypeSubscribe = "subscribe"
	TypePresence  = "presence"
	TypeReceipt   = "receipt"
	TypeDraining  = "draining"
)

// ClientFrame is a frame from a device. Fields that its type does not use stay empty.
type ClientFrame struct {
	Type           string          `json:"type"`
	ConversationID chat.ID         `json:"conversation_id,omitzero"` // send, received, read, typing
	ClientMsgID    chat.ID         `json:"client_msg_id,omitzero"`   // send
	Content        string          `json:"content,omitempty"`        // send
	Seq            int64           `json:"seq,omitempty"`            // received, read: the newest place that the device has or its user has read
	Timestamp      chat.ID         `json:"timestamp,omitzero"`       // received, read: of that place
	Positions      []chat.Position `json:"positions,omitempty"`      // heartbeat, resume: the newest place per conversation
	Token          string          `json:"token,omitempty"`          // auth
	Users          []chat.ID       `json:"users,omitempty"`          // subscribe: whose presence to tell, instead of those named before
	Traceparent    string          `json:"traceparent,omitempty"`    // send: W3C trace context
}

// ServerFrame is a frame to a device. Fields that its type does not use stay empty.
type ServerFrame struct {
	Type           string          `json:"type"`
	ConversationID chat.ID         `json:"conversation_id,omitzero"` // message, throttled, receipt, typing
	Seq            int64           `json:"seq,omitempty"`            // message; absent where the write path gives none
	Timestamp      chat.ID         `json:"timestamp,omitzero"`       // message: its TIMEUUID in storage
	MessageID      chat.ID         `json:"message_id,omitzero"`      // message, ack
	ClientMsgID    chat.ID         `json:"client_msg_id,omitzero"`   // message, ack, error
	SenderID       chat.ID         `json:"sender_id,omitzero"`       // message
	MessageType    string          `json:"message_type,omitempty"`   // message
	Content        string          `json:"content,omitempty"`        // message
	CreatedAt      time.Time       `json:"created_at,omitzero"`      // message
	Newer          []chat.Position `json:"newer,omitempty"`          // resumed, heartbeat: newest places the device lacks
	Conversations  []chat.ID       `json:"conversations,omitempty"`  // resync: read these again
	Code           chat.Code       `json:"code,omitempty"`           // error
	Message        string          `json:"message,omitempty"`        // error
	RetryAfterMS   int64           `json:"retry_after_ms,omitempty"` // error, throttled
	ServerTime     time.Time       `json:"server_time,omitzero"`     // heartbeat, resumed
	ExpiresAt      time.Time       `json:"expires_at,omitzero"`      // auth: until when the socket is now good
	Receipts       []Receipt       `json:"receipts,omitempty"`       // receipt: newest places last
	Members        int             `json:"members,omitempty"`        // receipt: besides the sender
	UserID         chat.ID         `json:"user_id,omitzero"`         // typing
	Presence       []UserPresence  `json:"presence,omitempty"`       // presence: those whose state is new
	Traceparent    string          `json:"traceparent,omitempty"`    // message: W3C trace context, if it is traced
	WindowMS       int64           `json:"window_ms,omitempty"`      // draining: come back within it, at a moment drawn at random
}

// Receipt says how many of a conversation's other members have got and read the message at a place. Cursors only move
// forward, so a place that is not listed has at least the counts of the next listed one, less its own sender.
type Receipt struct {
	Seq       int64 `json:"seq"`
	Delivered int   `json:"delivered"`
	Read      int   `json:"read"`
}

// UserPresence says whether a user is online on any device.
type UserPresence struct {
	UserID chat.ID `json:"user_id"`
	Online bool    `json:"online"`
}

// DecodeClient reads a device's frame and refuses one that its type does not allow.
func DecodeClient(data []byte) (ClientFrame, error) {
	var f ClientFrame
	if err := json.Unmarshal(data, &f); err != nil {
		return f, chat.Errorf(chat.CodeBadFrame, "frame is not the JSON of a frame: %.200s", err)
	}
	return f, f.validate()
}

func (f ClientFrame) validate() error {
	switch f.Type {
	case TypeAuth:
		return require(f.Token != "", f.Type, "token")
	case TypeSend:
		if err := ValidateSend(f.ClientMsgID, f.Content); err != nil {
			return err
		}
		return require(f.ConversationID != chat.ID{}, f.Type, "conversation_id")
	case TypeReceived, TypeRead:
		return require(f.ConversationID != chat.ID{} && (f.Seq > 0 || f.Timestamp.Version() == 1), f.Type, "conversation_id and seq, or a timestamp where messages have no seq")
	case TypeTyping:
		return require(f.ConversationID != chat.ID{}, f.Type, "conversation_id")
	case TypeSubscribe:
		if len(f.Users) > chat.MaxSubscriptions {
			return chat.Errorf(chat.CodeBadFrame, "%s to %d users: at most %d", f.Type, len(f.Users), chat.MaxSubscriptions)
		}
		return nil
	case TypeHeartbeat, TypeResume:
		if len(f.Positions) > chat.MaxPositions {
			return chat.Errorf(chat.CodeBadFrame, "%s with %d positions: at most %d, send the rest in the next", f.Type, len(f.Positions), chat.MaxPositions)
		}
		return nil
	case "":
		return chat.Errorf(chat.CodeBadFrame, "frame has no type")
	}
	return chat.Errorf(chat.CodeBadFrame, "frame type %.30q is unknown", f.Type)
}

// ValidateSend refuses a send that no write path takes, whatever way it came.
func ValidateSend(clientMsgID chat.ID, content string) error {
	switch {
	case clientMsgID == chat.ID{}:
		return chat.Errorf(chat.CodeBadRequest, "a send needs a client_msg_id: a version 7 UUID in server time")
	case content == "":
		return chat.Errorf(chat.CodeBadRequest, "a send needs content")
	case len(content) > chat.MaxContentBytes:
		return chat.Errorf(chat.CodeTooLarge, "content of %d bytes: at most %d", len(content), chat.MaxContentBytes)
	}
	_, err := chat.ClientMsgTime(clientMsgID)
	return err
}

func require(ok bool, frame, what string) error {
	if ok {
		return nil
	}
	return chat.Errorf(chat.CodeBadFrame, "%s frame needs %s", frame, what)
}

// Encode writes a frame; content keeps its <, > and & readable.
func Encode(frame any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(frame); err != nil {
		panic("encode frame: " + err.Error()) // frames hold only plain fields
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// MessageFrame is the frame that carries a message to a device.
func MessageFrame(m chat.Message) ServerFrame {
	return ServerFrame{
		Type: TypeMessage, ConversationID: m.ConversationID, Seq: m.Place.Seq, Timestamp: m.Place.Timestamp, MessageID: m.ID,
		ClientMsgID: m.ClientMsgID, SenderID: m.SenderID, MessageType: m.Type, Content: m.Content, CreatedAt: m.CreatedAt,
	}
}

// ErrorFrame is the frame that carries a refusal; clientMsgID is the send it answers, or zero.
func ErrorFrame(e *chat.Error, clientMsgID chat.ID) ServerFrame {
	return ServerFrame{Type: TypeError, Code: e.Code, Message: e.Message, RetryAfterMS: e.RetryAfter.Milliseconds(), ClientMsgID: clientMsgID}
}
