package client

import (
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// Kind says what happened to a device.
type Kind uint8

// The kinds of event. Those of a send end with exactly one of Acked, Refused, Unknown or Unsent.
const (
	Connecting      Kind = iota + 1 // Attempt: how many in a row
	Connected                       // the gateway answered resumed
	Disconnected                    // Close, Text: why; RetryAfter: until the next attempt
	Attempt                         // a send frame goes out; Attempt: 1 for the first; Text: the content
	Acked                           // the send is accepted
	Refused                         // the send is refused for good and did not happen; Code, RetryAfter
	Unknown                         // nobody knows whether the send happened; Text: why
	Unsent                          // no frame of the send ever went out; Text: why
	Raw                             // a message frame as it came, before deduplication; no Text
	Shown                           // a message is shown, once and in its order; Text: the content
	Gap                             // places before a message that is known to exist are missing: Seq is the first, Text the range
	GapFilled                       // nothing is known to be missing any more; Seq: the newest place shown
	Skipped                         // history has no such places for this user: Seq is the first, Text the range
	Resync                          // the gateway told the device to read the conversation again
	Throttled                       // the conversation's limit refuses sends; RetryAfter
	Draining                        // the gateway wants the device to leave within RetryAfter
	Receipt                         // how many have got and read messages of this user: Receipts, Members
	Typing                          // Sender types
	PresenceChanged                 // of users whom the device asked about: Online
	FirstScreen                     // what a Run shows first, before the order: Screen
	ErrorFrame                      // a refusal as it came; ClientMsgID if it answers a send
	Renewed                         // the gateway took a new token over the open connection
	RenewalFailed                   // it has none: Text, Code if the gateway refused it; RetryAfter, 0: the connection ends with the old one
	kinds                           // their number
)

func (k Kind) String() string {
	names := [kinds]string{
		"", "connecting", "connected", "disconnected", "attempt", "acked", "refused", "unknown", "unsent", "raw", "shown",
		"gap", "gap filled", "skipped", "resync", "throttled", "draining",
		"receipt", "typing", "presence", "first screen", "error frame", "renewed", "renewal failed",
	}
	if k >= kinds {
		return "?"
	}
	return names[k]
}

// Event is one thing that happened to a device. Fields that its kind does not use are empty.
type Event struct {
	Kind         Kind
	At           time.Time // by Config.Now
	Conversation chat.ID
	MessageID    chat.ID
	ClientMsgID  chat.ID
	Sender       chat.ID
	Timestamp    chat.ID // TIMEUUID of the message
	Seq          int64
	Attempt      int
	Close        chat.CloseCode // 0: the connection broke without one
	Code         chat.Code
	RetryAfter   time.Duration
	MessageType  string
	Text         string
	Receipts     []wire.Receipt      // newest places last
	Members      int                 // besides the user
	Online       []wire.UserPresence // those whose state is new
	Screen       []Glance            // newest first
}

func messageEvent(k Kind, m *chat.Message, at time.Time) Event {
	return Event{
		Kind: k, At: at, Conversation: m.ConversationID, MessageID: m.ID, ClientMsgID: m.ClientMsgID, Sender: m.SenderID,
		Timestamp: m.Place.Timestamp, Seq: m.Place.Seq, MessageType: m.Type,
	}
}

// emit queues an event; the lock is held. The order of events is the order of the changes of state that they tell of.
func (c *Client) emit(e Event) {
	if c.cfg.Observe == nil {
		return
	}
	if e.At.IsZero() {
		e.At = c.cfg.Now()
	}
	c.events = append(c.events, e)
}

// unlock gives up the lock. Whoever finds events and nobody delivering them delivers them, without the lock, so that
// the observer sees one call at a time and in order, and no goroutine of its own is needed.
func (c *Client) unlock() {
	if c.delivering || len(c.events) == 0 {
		c.mu.Unlock()
		return
	}
	c.delivering = true
	for len(c.events) > 0 {
		batch := c.events
		c.events = c.spare[:0]
		c.mu.Unlock()
		for _, e := range batch {
			c.cfg.Observe(e)
		}
		clear(batch) // lets go of the texts
		c.mu.Lock()
		c.spare = batch[:0]
	}
	c.delivering = false
	c.notify()
	c.mu.Unlock()
}
