package client

import (
	"context"
	"slices"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

const (
	readSettles = 10 * time.Second // a read frame that was this young at the last sign of life may have been lost with its connection
	readsEvery  = time.Second
	readsAtOnce = 40 // read frames in readsEvery: with the received frames and what the user says less than a gateway takes
)

// reads are the conversations that were read and of which the gateway was not told yet. One is told at once; who reads
// hundreds together would be taken for a flood and closed.
type reads struct {
	due   []*conversation
	timer *time.Timer // nil: nothing is due
	since time.Time   // when the present readsEvery began
	told  int         // in it
}

// Read says that the user has read a conversation up to a place. Without a connection it waits for one. It tells again
// over the next connection what may have been lost with this one.
func (c *Client) Read(ctx context.Context, conversation chat.ID, at chat.Position) error {
	return wrap("read", c.await(ctx, func() bool {
		if c.link == nil {
			return false
		}
		v := c.conversation(conversation)
		v.read = at
		c.tellRead(v)
		return true
	}))
}

// tellRead tells up to where a conversation was read as soon as the pace allows; the lock is held.
func (c *Client) tellRead(v *conversation) {
	if v.readDue {
		return // the newest place is told then
	}
	v.readDue = true
	c.reads.due = append(c.reads.due, v)
	if c.reads.timer == nil {
		c.tellReads(c.link)
	}
}

// tellReads sends what the pace allows and comes back for the others; the lock is held.
func (c *Client) tellReads(l *link) {
	r := &c.reads
	now := time.Now()
	if now.Sub(r.since) >= readsEvery {
		r.since, r.told = now, 0
	}
	n := min(len(r.due), readsAtOnce-r.told)
	for _, v := range r.due[:n] {
		v.readDue, v.readAt = false, now
		l.push(wire.Encode(wire.ClientFrame{Type: wire.TypeRead, ConversationID: v.id, Seq: v.read.Seq, Timestamp: v.read.Timestamp}))
	}
	r.told += n
	if r.due = slices.Delete(r.due, 0, n); len(r.due) == 0 {
		r.timer = nil
		return
	}
	r.timer = time.AfterFunc(readsEvery-now.Sub(r.since), func() {
		c.mu.Lock()
		defer c.unlock()
		if c.link == l {
			c.tellReads(l)
		}
	})
}

// tellReadsAgain repeats what was read shortly before the last connection broke; the lock is held.
func (c *Client) tellReadsAgain() {
	for _, v := range c.conversations {
		if v.lost {
			v.lost = false
			c.tellRead(v)
		}
	}
}

// loseReads notes which reads may have been lost: those told shortly before the last sign of life, or since then, or not
// yet; the lock is held.
func (c *Client) loseReads(l *link) {
	r := &c.reads
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	r.due = nil
	for _, v := range c.conversations {
		v.lost = v.lost || v.readDue || !v.readAt.IsZero() && l.heardAt.Sub(v.readAt) < readSettles
		v.readDue = false
	}
}
