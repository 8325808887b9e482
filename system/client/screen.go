package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// How a device that comes back gets what it missed.
const (
	SyncNewest = chat.SyncNewest // a first screen by one call, the rest in the background, newest first and a little at a time
	SyncFull   = chat.SyncFull   // everything, at once
)

const (
	screenConversations = 20 // on a first screen (document)
	screenMessages      = 10 // of each of them
	screenAttempts      = 3  // before the device goes on without a first screen
)

// Glance is a conversation on a first screen, with its newest messages in their order.
type Glance struct {
	ConversationID chat.ID        `json:"conversation_id"`
	LastMessageAt  time.Time      `json:"last_message_at"`
	LastSeq        int64          `json:"last_seq"`
	ReadSeq        int64          `json:"read_seq"`
	Unread         int64          `json:"unread"`
	Messages       []chat.Message `json:"-"`
}

// Inbox asks for what a first screen shows: the conversations with the newest messages, with these.
func (c *Client) Inbox(ctx context.Context, conversations, messages int) ([]Glance, error) {
	body, err := c.call(ctx, http.MethodGet, fmt.Sprintf("/api/v1/inbox?limit=%d&messages=%d", conversations, messages), nil)
	if err != nil {
		return nil, fmt.Errorf("read inbox: %w", err)
	}
	var in struct {
		Conversations []json.RawMessage `json:"conversations"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("read inbox: decode answer: %w", err)
	}
	out := make([]Glance, len(in.Conversations))
	for i, raw := range in.Conversations {
		g := &out[i]
		err := json.Unmarshal(raw, g)
		if err == nil {
			g.Messages, _, err = decodePage(raw, g.ConversationID)
		}
		if err != nil {
			return nil, fmt.Errorf("read inbox: decode answer: %w", err)
		}
	}
	return out, nil
}

// hear notes when a conversation's newest message was said.
func (v *conversation) hear(timestamp chat.ID) {
	if later(timestamp, v.heard) {
		v.heard = timestamp
	}
}

// backlog is the conversations that are filled in the background, one after the other.
type backlog struct {
	screen  chan struct{} // closed when the first screen is there or given up; nil: this Run has none
	waiting []*conversation
	running bool
}

// openScreen begins a Run as an app that is opened: with a first screen; the lock is held.
func (c *Client) openScreen(ctx context.Context) {
	c.backlog.screen = nil
	if c.cfg.Sync != SyncNewest || c.rules.defects.NoGapFill {
		return
	}
	done := make(chan struct{})
	c.backlog.screen = done
	c.work.Go(func() {
		defer close(done)
		c.loadScreen(ctx)
	})
}

func (c *Client) loadScreen(ctx context.Context) {
	var b backoff
	for range screenAttempts {
		glances, err := c.Inbox(ctx, screenConversations, screenMessages)
		if err == nil {
			c.showScreen(glances)
			return
		}
		c.cfg.Log.Debug("first screen not loaded", "error", err)
		if refused := (*chat.Error)(nil); errors.As(err, &refused) && !Retryable(refused.Code) {
			return
		}
		c.mu.Lock()
		wait := b.next(c.cfg.Rand)
		c.unlock()
		if !pause(ctx, wait) {
			return
		}
	}
}

// showScreen shows the newest messages at once. In their order they are shown when nothing is missing before them; those
// that have no seq do not tell what is, and come again with the page that begins where the device stopped.
func (c *Client) showScreen(glances []Glance) {
	c.mu.Lock()
	defer c.unlock()
	now := c.cfg.Now()
	c.emit(Event{Kind: FirstScreen, At: now, Screen: glances})
	c.missedBefore = true
	defer func() { c.missedBefore = false }()
	for _, g := range glances {
		v := c.conversation(g.ConversationID)
		for _, m := range g.Messages {
			v.hear(m.Place.Timestamp)
			if m.Place.Seq > 0 {
				c.show(v.take(nil, m), now)
			}
		}
		c.track(v)
	}
}

// later puts a conversation into the backlog, where a Run that began with a first screen fills what it missed; the lock
// is held.
func (c *Client) later(v *conversation, run context.Context) {
	v.deferred = true
	b := &c.backlog
	b.waiting = append(b.waiting, v)
	if b.running {
		return
	}
	b.running = true
	c.work.Go(func() { c.fillSlowly(run, b.screen) })
}

// hurry takes a conversation in which something happens right now out of the backlog; the lock is held.
func (c *Client) hurry(v *conversation) {
	if !v.deferred || c.run == nil {
		return
	}
	v.deferred = false
	c.backlog.waiting = slices.DeleteFunc(c.backlog.waiting, func(w *conversation) bool { return w == v })
	c.fillSoon(v)
}

// fillSlowly works off the backlog, the newest conversation first, and leaves room between two for what the user does.
func (c *Client) fillSlowly(ctx context.Context, screen <-chan struct{}) {
	select {
	case <-screen:
	case <-ctx.Done():
	}
	pause(ctx, c.cfg.Timeouts.Pace)
	for {
		v := c.nextDeferred()
		if v == nil {
			return
		}
		c.fill(ctx, v)
		pause(ctx, c.cfg.Timeouts.Pace)
	}
}

// nextDeferred takes the conversation with the newest message out of the backlog; nil: it is empty.
func (c *Client) nextDeferred() *conversation {
	c.mu.Lock()
	defer c.unlock()
	b := &c.backlog
	if len(b.waiting) == 0 {
		b.waiting, b.running = nil, false
		return nil
	}
	newest := 0
	for i, v := range b.waiting {
		if later(v.heard, b.waiting[newest].heard) {
			newest = i
		}
	}
	v := b.waiting[newest]
	b.waiting = slices.Delete(b.waiting, newest, newest+1)
	v.deferred = false
	return v
}
