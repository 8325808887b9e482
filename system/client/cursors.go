package client

import (
	"slices"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

const (
	receivedEvery = time.Second            // between two received frames of a conversation
	reportAtOnce  = 50                     // received frames together: a gateway takes a device that sends hundreds for a flood
	receivedWait  = 200 * time.Millisecond // at most, before the first: devices that show a message together do not answer together
	typingEvery   = 3 * time.Second        // between two typing frames of a conversation; a gateway drops more
)

// social is what the device tells of itself in one conversation.
type social struct {
	received chat.Position // told last
	listed   bool          // to be told
	read     chat.Position
	readDue  bool      // to be told
	readAt   time.Time // when it was last told
	lost     bool      // it may have been lost with a connection
	typed    time.Time
}

// reports are the conversations in which something was shown that the gateway was not told of.
type reports struct {
	due   []*conversation
	timer *time.Timer // nil: nothing is to be told, or there is no connection
	last  time.Time
}

// reportLater lists a conversation in which something was shown; the lock is held.
func (c *Client) reportLater(v *conversation) {
	if c.cfg.NoReceipts || v.listed || v.at.Seq == v.received.Seq && v.at.Timestamp == v.received.Timestamp {
		return
	}
	v.listed = true
	c.reports.due = append(c.reports.due, v)
	c.armReports()
}

// armReports tells what is listed soon, but not more than once in receivedEvery; the lock is held.
func (c *Client) armReports() {
	r := &c.reports
	if c.link == nil || r.timer != nil || len(r.due) == 0 {
		return
	}
	wait := max(0, receivedEvery-time.Since(r.last)) + time.Duration(c.cfg.Rand.Float64()*float64(receivedWait))
	l := c.link
	r.timer = time.AfterFunc(wait, func() { c.report(l) })
}

// report tells the gateway up to where the device has the messages: one small frame a conversation. What is lost the next
// heartbeat tells.
func (c *Client) report(l *link) {
	c.mu.Lock()
	defer c.unlock()
	if c.link != l {
		return
	}
	r := &c.reports
	r.timer, r.last = nil, time.Now()
	n := min(len(r.due), reportAtOnce)
	for _, v := range r.due[:n] {
		v.listed, v.received = false, v.at
		l.push(wire.Encode(wire.ClientFrame{Type: wire.TypeReceived, ConversationID: v.id, Seq: v.at.Seq, Timestamp: v.at.Timestamp}))
	}
	r.due = slices.Delete(r.due, 0, n)
	c.armReports()
}

// restReports stops telling until there is a connection again, which begins by naming every place; the lock is held.
func (c *Client) restReports() {
	if c.reports.timer != nil {
		c.reports.timer.Stop()
		c.reports.timer = nil
	}
}

// Typing says that the user types. Nothing is kept of it: without a connection it says nothing, and more often than every
// three seconds neither.
func (c *Client) Typing(conversation chat.ID) {
	c.mu.Lock()
	defer c.unlock()
	v := c.conversation(conversation)
	if c.link == nil || !v.typed.IsZero() && time.Since(v.typed) < typingEvery {
		return
	}
	v.typed = time.Now()
	c.link.push(wire.Encode(wire.ClientFrame{Type: wire.TypeTyping, ConversationID: conversation}))
}
