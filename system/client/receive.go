package client

import (
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// receive does what a frame says. Types that it does not know are newer than this client.
func (c *Client) receive(l *link, data []byte) error {
	f := &l.frame
	if err := f.decode(data); err != nil {
		return err
	}
	now := c.cfg.Now()
	c.mu.Lock()
	defer c.unlock()
	l.heard, l.heardAt = l.heard+1, time.Now()
	switch f.Type {
	case wire.TypeMessage:
		c.message(&f.message, now)
	case wire.TypeAck:
		c.acked(l, f.ClientMsgID, f.MessageID)
	case wire.TypeError:
		c.refused(l, &f.ServerFrame)
	case wire.TypeResumed:
		c.resumed(l, f.Newer)
	case wire.TypeHeartbeat:
		l.answered++
		l.named += c.learn(f.Newer)
		c.notify()
	case wire.TypeAuth:
		c.renewed(l, f.ExpiresAt)
	case wire.TypeResync:
		c.resync(f.Conversations)
	case wire.TypeDraining:
		c.draining(l, milliseconds(f.WindowMS))
	case wire.TypeReceipt:
		c.emit(Event{Kind: Receipt, Conversation: f.ConversationID, Receipts: f.Receipts, Members: f.Members})
	case wire.TypeTyping:
		c.emit(Event{Kind: Typing, Conversation: f.ConversationID, Sender: f.UserID})
	case wire.TypePresence:
		c.emit(Event{Kind: PresenceChanged, Online: f.Presence})
	case wire.TypeThrottled:
		c.emit(Event{Kind: Throttled, Conversation: f.ConversationID, RetryAfter: milliseconds(f.RetryAfterMS)})
	}
	return nil
}

// message takes a live message; the lock is held.
func (c *Client) message(m *chat.Message, now time.Time) {
	c.emit(messageEvent(Raw, m, now))
	v := c.conversation(m.ConversationID)
	c.shown = v.live(c.shown[:0], *m, c.link == nil || v.filling || v.again)
	c.show(c.shown, now)
	c.track(v)
	c.hurry(v)
}

func (c *Client) show(messages []chat.Message, now time.Time) {
	for i := range messages {
		e := messageEvent(Shown, &messages[i], now)
		e.Text = messages[i].Content
		c.emit(e)
	}
	clear(messages)
}

// learn notes newer places, and says how many of them the device lacks; the lock is held.
func (c *Client) learn(newer []chat.Position) (lacks int) {
	for _, p := range newer {
		v := c.conversation(p.ConversationID)
		v.hear(p.Timestamp)
		if v.know(p) {
			lacks++
		}
		c.track(v)
	}
	return lacks
}

// learnMissed is learn for what a Run missed before it began, if a first screen goes before that; the lock is held.
func (c *Client) learnMissed(newer []chat.Position) {
	c.missedBefore = c.backlog.screen != nil && len(newer) > screenConversations
	c.learn(newer)
	c.missedBefore = false
}

// resync reads conversations again, all of them if none is named; the lock is held.
func (c *Client) resync(named []chat.ID) {
	if len(named) == 0 {
		for id := range c.conversations {
			named = append(named, id)
		}
	}
	for _, id := range named {
		v := c.conversation(id)
		c.emit(Event{Kind: Resync, Conversation: id, Seq: v.at.Seq})
		v.again = !c.rules.defects.NoGapFill
		c.track(v)
	}
}

func milliseconds(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
