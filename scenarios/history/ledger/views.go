package ledger

import (
	"cmp"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
)

// Message is what the history says of one message, whoever saw it.
type Message struct {
	Device       history.ID // that sent it
	Conversation history.ID
	ID           history.ID // message_id of the acknowledgement
	Local        int32      // its number in the conversation
	Sent         bool       // a device meant to send it
	Acked        bool
	Intended     time.Duration
	SentAt       time.Duration
	AckedAt      time.Duration
	Seq          int64 // as first seen; 0: none
	Order        int64 // of its row; 0: none
}

// Book is one conversation. Its sets hold local numbers of messages.
type Book struct {
	Label     history.ID // the group under which it is measured
	Messages  []int32    // by local number: the row in Views.Messages
	Acked     Bits
	Stored    Bits
	StoreRead bool // Stored is complete
}

// View is one device's of one conversation. Its sets hold local numbers of messages.
type View struct {
	Shown    Bits // until the deadline
	Read     Bits // in the last reading of history
	ReadDone bool // Read is complete
}

// Views knows which message is seen where.
type Views struct {
	Names    Names
	Phases   Phases
	Devices  Devices
	Members  Members
	Messages Rows[Message] // by identity
	Books    Rows[Book]    // by conversation
	Views    Pairs[View]   // of (device, conversation)
	Fresh    *Message      // the message, if the last event showed it to its device for the first time and in time; else nil
}

// Observe takes notice of an event.
func (v *Views) Observe(e *history.Event) {
	v.Fresh = nil
	switch e.Kind {
	case history.Shown:
		v.shown(e)
	case history.Raw:
	case history.Send:
		v.sent(e)
	case history.Acked:
		v.acked(e)
	case history.Stored:
		v.stored(e)
	case history.Conversation:
		v.Books.Of(e.Conversation).Label = e.Label
	case history.StoreRead:
		v.Books.Of(e.Conversation).StoreRead = true
	case history.Read:
		if m := v.met(e); m != nil {
			v.Views.Of(e.Device, e.Conversation).Read.Set(m.Local)
		}
	case history.HistoryRead:
		v.Views.Of(e.Device, e.Conversation).ReadDone = true
	default:
		v.Devices.Observe(e, v.Names)
		v.Members.Observe(e)
	}
	v.Phases.Observe(e, v.Names)
}

func (v *Views) shown(e *history.Event) {
	m := v.met(e)
	if m != nil && !v.Devices.ended && !v.Views.Of(e.Device, e.Conversation).Shown.Set(m.Local) {
		v.Fresh = m
	}
}

func (v *Views) stored(e *history.Event) {
	if m := v.met(e); m != nil {
		m.Order = cmp.Or(m.Order, e.Order) // of a message with several rows readers see the first
		v.Books.Of(e.Conversation).Stored.Set(m.Local)
	}
}

func (v *Views) sent(e *history.Event) {
	m := v.in(e.ClientMsg, e.Conversation)
	if m == nil || m.Sent {
		return
	}
	m.Sent, m.Device, m.Intended, m.SentAt = true, e.Device, e.Intended, e.At
}

func (v *Views) acked(e *history.Event) {
	m := v.Messages.Find(e.ClientMsg)
	if m == nil || !m.Sent || m.Acked {
		return
	}
	m.Acked, m.AckedAt, m.ID = true, e.At, e.Message
	v.Books.Of(m.Conversation).Acked.Set(m.Local)
}

// met is the message of a sighting; nil if it is known from another conversation.
func (v *Views) met(e *history.Event) *Message {
	m := v.in(e.Identity(), e.Conversation)
	if m != nil && m.Seq == 0 {
		m.Seq = e.Seq
	}
	return m
}

func (v *Views) in(identity, conversation history.ID) *Message {
	n := v.Messages.Number(identity)
	m := &v.Messages.All[n]
	if m.Conversation == 0 {
		b := v.Books.Of(conversation)
		m.Conversation, m.Local = conversation, int32(len(b.Messages))
		b.Messages = append(b.Messages, n)
	}
	if m.Conversation != conversation {
		return nil
	}
	return m
}
