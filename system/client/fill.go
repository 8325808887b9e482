package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// track tells of a gap that opened or closed, and has it filled; the lock is held. A conversation is filled by one
// worker at a time, and a device has a few workers, which live only while there is something to fill.
func (c *Client) track(v *conversation) {
	c.reportLater(v)
	open := v.open()
	switch {
	case open && !v.gap:
		s := v.missing()
		c.emit(Event{Kind: Gap, Conversation: v.id, Seq: s.from, Text: s.String()})
	case !open && v.gap:
		c.emit(Event{Kind: GapFilled, Conversation: v.id, Seq: v.at.Seq, Timestamp: v.at.Timestamp})
	}
	v.gap = open
	if v.filling || c.run == nil || !open && !v.again {
		return
	}
	v.filling = true
	c.filling++
	if c.missedBefore {
		c.later(v, c.run)
		return
	}
	c.fillSoon(v)
}

// fillSoon has a conversation filled by the next worker; the lock is held.
func (c *Client) fillSoon(v *conversation) {
	c.queue = append(c.queue, v)
	if c.fillers < maxFills {
		c.fillers++
		run := c.run
		c.work.Go(func() { c.fillAll(run) })
	}
}

func (s span) String() string { return fmt.Sprintf("%d..%d", s.from, s.to) }

func (c *Client) fillAll(ctx context.Context) {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			c.queue = nil
			c.fillers--
			c.unlock()
			return
		}
		v := c.queue[0]
		c.queue = c.queue[1:]
		c.unlock()
		c.fill(ctx, v)
	}
}

// fill reads history after the cursor until nothing is known to be missing. Live frames keep coming meanwhile.
func (c *Client) fill(ctx context.Context, v *conversation) {
	var b backoff
	for {
		r, needed := c.nextRead(ctx, v)
		if !needed {
			return
		}
		messages, more, err := c.History(ctx, v.id, r)
		if wait := c.merge(v, page{messages: messages, more: more}, err, &b); wait > 0 {
			pause(ctx, wait)
		}
	}
}

// nextRead says what to read, and whether that is still needed.
func (c *Client) nextRead(ctx context.Context, v *conversation) (r Range, needed bool) {
	c.mu.Lock()
	defer c.unlock()
	if ctx.Err() == nil && (v.again || v.open()) {
		v.again = false
		return Range{After: v.at.Timestamp, FromStart: true, Limit: v.page()}, true
	}
	v.filling = false
	c.filling--
	c.notify()
	return r, false
}

// merge puts an answer of history into place, and says how long to wait before the next question.
func (c *Client) merge(v *conversation, p page, err error, b *backoff) time.Duration {
	c.mu.Lock()
	defer c.unlock()
	var r *chat.Error
	p.refused = errors.As(err, &r) && r.Code == chat.CodeNotMember
	if err != nil && !p.refused {
		v.again = true
		c.cfg.Log.Debug("history not read", "conversation", v.id, "error", err)
		if r == nil {
			return b.next(c.cfg.Rand)
		}
		return r.RetryAfter + b.next(c.cfg.Rand)
	}
	before := v.at
	shown, skipped := v.cursor.merge(nil, p, time.Now())
	if skipped.to > 0 {
		c.emit(Event{Kind: Skipped, Conversation: v.id, Seq: skipped.from, Text: skipped.String()})
	}
	c.show(shown, c.cfg.Now())
	v.again = v.again || p.more && !v.passed(p)
	c.track(v)
	if v.at != before {
		b.reset()
		return 0
	}
	return b.next(c.cfg.Rand)
}
