package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// Client is one device. Run keeps it connected; the other methods may be called by several goroutines at any time.
type Client struct {
	cfg   Config
	rules rules
	own   bool // the HTTP client is not shared

	mu         sync.Mutex
	events     []Event // not yet observed
	spare      []Event
	delivering bool
	changed    chan struct{} // closed at the next change that somebody may wait for; nil while nobody waits

	run    context.Context // of the Run under way; nil: none
	work   sync.WaitGroup  // goroutines of that Run
	final  error           // why Run ended for good
	link   *link           // resumed; nil: not connected
	offset time.Duration   // server time = Now + offset
	avoid  string          // the gateway that the device does not want to be sent to again

	conversations map[chat.ID]*conversation
	sends         map[chat.ID]*send // without an outcome
	shown         []chat.Message    // scratch
	watching      []chat.ID         // whose presence is subscribed to

	reports reports
	reads   reads

	queue   []*conversation // wait to be filled
	fillers int
	filling int // conversations in queue, in the backlog or being filled

	backlog      backlog
	missedBefore bool // what is noticed now goes into the backlog
}

// conversation is a cursor and what is being done about its gap.
type conversation struct {
	cursor
	social
	id       chat.ID
	gap      bool // told to the observer
	filling  bool
	deferred bool    // it waits in the backlog
	heard    chat.ID // timestamp of the newest message that it is known to have
	again    bool    // history must be read once more, whatever the cursor says
}

// New makes a device that is not yet connected.
func New(cfg Config) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	cfg.setDefaults()
	c := &Client{
		cfg: cfg, conversations: make(map[chat.ID]*conversation), sends: make(map[chat.ID]*send),
		rules: rules{self: cfg.UserID, hole: cfg.Timeouts.Hole, start: cfg.Timeouts.Start, defects: cfg.Defects},
	}
	if c.cfg.HTTP == nil {
		c.cfg.HTTP, c.own = NewHTTP(cfg.Network, cfg.TLS), true
	}
	for _, p := range cfg.Positions {
		v := c.conversation(p.ConversationID)
		v.at, v.newest, v.newestTS = p, p.Seq, p.Timestamp
		v.received = p // resume tells it
	}
	return c, nil
}

// Run connects, and comes back after every break until ctx ends (it returns ctx's error) or a close code or a refusal
// forbids it (a *ClosedError or a *chat.Error). It may be called again afterwards and resumes where it stopped. When it
// returns, the observer has seen everything that this Run received.
func (c *Client) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := c.begin(ctx); err != nil {
		return err
	}
	err := c.stay(ctx)
	cancel()
	c.finish(ctx, err)
	return err
}

func (c *Client) begin(ctx context.Context) error {
	c.mu.Lock()
	defer c.unlock()
	if c.run != nil {
		return fmt.Errorf("run client: it runs already")
	}
	c.run, c.final = ctx, nil
	c.openScreen(ctx)
	for _, v := range c.conversations {
		c.track(v)
	}
	return nil
}

func (c *Client) finish(ctx context.Context, err error) {
	c.mu.Lock()
	c.run = nil
	if !errors.Is(err, ctx.Err()) {
		c.final = err
	}
	c.notify()
	c.unlock()
	c.work.Wait()
	if c.own {
		c.cfg.HTTP.CloseIdleConnections()
	}
	c.observed()
}

// observed waits until the observer has seen every event so far.
func (c *Client) observed() {
	for {
		c.mu.Lock()
		if !c.delivering && len(c.events) == 0 {
			c.mu.Unlock()
			return
		}
		changed := c.change()
		c.unlock()
		<-changed
	}
}

// stay keeps the device connected.
func (c *Client) stay(ctx context.Context) error {
	b := backoff{immediate: c.cfg.Reconnect == ReconnectImmediate}
	for attempt := 1; ; attempt++ {
		e := c.session(ctx, attempt)
		if e.lived > 0 {
			attempt = 0
		}
		wait := c.returnAfter(ctx, e, &b)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if e.final {
			return e.err
		}
		if !pause(ctx, wait) {
			return ctx.Err()
		}
	}
}

// returnAfter tells of the end of a connection and says how long to wait before the next.
func (c *Client) returnAfter(ctx context.Context, e ending, b *backoff) time.Duration {
	c.mu.Lock()
	defer c.unlock()
	if e.moved || e.full {
		c.avoid = e.at
	}
	event := Event{Kind: Disconnected, Close: e.code, Text: e.err.Error()}
	if ctx.Err() == nil && !e.final {
		event.RetryAfter = c.delay(e, b)
	}
	c.emit(event)
	return event.RetryAfter
}

func (c *Client) delay(e ending, b *backoff) time.Duration {
	if e.lived >= stableAfter || e.moved {
		b.reset()
	}
	if e.moved || e.full && b.elsewhere() {
		return 0
	}
	if e.within > 0 && !b.immediate {
		return spread(c.cfg.Rand, e.within)
	}
	return e.after + b.next(c.cfg.Rand)
}

// conversation finds or makes the state of a conversation; the lock is held.
func (c *Client) conversation(id chat.ID) *conversation {
	v, ok := c.conversations[id]
	if !ok {
		v = &conversation{id: id, cursor: cursor{rules: &c.rules, at: chat.Position{ConversationID: id}}}
		c.conversations[id] = v
	}
	return v
}

// Positions are the newest places that the device has shown, one per conversation.
func (c *Client) Positions() []chat.Position {
	c.mu.Lock()
	defer c.unlock()
	return c.positions()
}

func (c *Client) positions() []chat.Position {
	ps := make([]chat.Position, 0, len(c.conversations))
	for _, v := range c.conversations {
		if v.at.Seq > 0 || v.at.Timestamp != (chat.ID{}) {
			ps = append(ps, v.at)
		}
	}
	return ps
}

// change is closed at the next change; the lock is held.
func (c *Client) change() chan struct{} {
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.changed
}

// notify wakes those who wait for a change; the lock is held.
func (c *Client) notify() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// await waits until ready, which is called with the lock held, says so.
func (c *Client) await(ctx context.Context, ready func() bool) error {
	for {
		c.mu.Lock()
		if ready() {
			c.unlock()
			return nil
		}
		final, changed := c.final, c.change()
		c.unlock()
		if final != nil {
			return fmt.Errorf("device may not reconnect: %w", final)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pause waits, and says whether ctx let it.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
