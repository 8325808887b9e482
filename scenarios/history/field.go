package history

import (
	"math"
	"math/bits"
	"time"
)

// isID says whether a field holds an interned text.
func (f field) isID() bool { return f <= fUnit }

// key is the field's name in JSON lines.
func (f field) key() string {
	return [fields]string{
		"device", "user", "sender", "conversation", "client_msg_id", "message_id", "text", "code", "label", "unit",
		"seq", "until", "order", "offset", "count", "attempt", "close_code", "intended_ms", "retry_after_ms", "value",
		"delivered", "read_by",
	}[f]
}

// id is the field's place in the event; nil if the field holds no interned text.
func (e *Event) id(f field) *ID {
	switch f {
	case fDevice:
		return &e.Device
	case fUser:
		return &e.User
	case fSender:
		return &e.Sender
	case fConversation:
		return &e.Conversation
	case fClientMsg:
		return &e.ClientMsg
	case fMessage:
		return &e.Message
	case fText:
		return &e.Text
	case fCode:
		return &e.Code
	case fLabel:
		return &e.Label
	case fUnit:
		return &e.Unit
	}
	return nil
}

// get is the field as a whole number.
func (e *Event) get(f field) int64 {
	switch f {
	case fSeq:
		return e.Seq
	case fUntil:
		return e.Until
	case fOrder:
		return e.Order
	case fOffset:
		return e.Offset
	case fCount:
		return e.Count
	case fAttempt:
		return int64(e.Attempt)
	case fCloseCode:
		return int64(e.CloseCode)
	case fDelivered:
		return int64(e.Delivered)
	case fReadBy:
		return int64(e.ReadBy)
	case fIntended:
		return int64(e.Intended)
	case fRetryAfter:
		return int64(e.RetryAfter)
	case fValue: // small numbers have their zeros at the end
		return int64(bits.ReverseBytes64(math.Float64bits(e.Value)))
	}
	return int64(*e.id(f))
}

// set is the inverse of get.
func (e *Event) set(f field, v int64) {
	switch f {
	case fSeq:
		e.Seq = v
	case fUntil:
		e.Until = v
	case fOrder:
		e.Order = v
	case fOffset:
		e.Offset = v
	case fCount:
		e.Count = v
	case fAttempt:
		e.Attempt = int32(v)
	case fCloseCode:
		e.CloseCode = int32(v)
	case fDelivered:
		e.Delivered = int32(v)
	case fReadBy:
		e.ReadBy = int32(v)
	case fIntended:
		e.Intended = time.Duration(v)
	case fRetryAfter:
		e.RetryAfter = time.Duration(v)
	case fValue:
		e.Value = math.Float64frombits(bits.ReverseBytes64(uint64(v)))
	default:
		*e.id(f) = ID(v)
	}
}
