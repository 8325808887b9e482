package client

import (
	"context"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// draining lets the device leave a gateway that is being replaced, at a moment of the window drawn at random, so that
// those who were told together do not come back together. A tenth of the window is kept for answers that are under way.
// The lock is held.
func (c *Client) draining(l *link, window time.Duration) {
	if l.told || c.run == nil {
		return
	}
	l.told = true
	c.emit(Event{Kind: Draining, RetryAfter: window})
	moment, run := spread(c.cfg.Rand, window*9/10), c.run
	c.work.Go(func() { c.leave(run, l, moment, window-moment) })
}

// leave begins no more sends on the connection at the moment, waits for the answers to the others until the window ends,
// and says goodbye.
func (c *Client) leave(ctx context.Context, l *link, moment, rest time.Duration) {
	t := time.NewTimer(moment)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.done:
		return
	case <-ctx.Done():
		return
	}
	c.retire(l)
	ctx, cancel := context.WithTimeout(ctx, rest)
	defer cancel()
	_ = c.await(ctx, func() bool { return l.awaited == 0 }) // or the window ends: they are sent again elsewhere
	l.goodbye(c.cfg.Timeouts.Goodbye)
}

func (c *Client) retire(l *link) {
	c.mu.Lock()
	defer c.unlock()
	l.left = true
	if c.link == l {
		c.link = nil
		c.notify()
	}
}

// answered counts the answer to a send frame; the lock is held.
func (c *Client) answered(l *link) {
	if l.awaited > 0 {
		l.awaited--
	}
	if l.left && l.awaited == 0 {
		c.notify()
	}
}

// moved says whether a connection ended because the gateway let the device go after it had told it so.
func (c *Client) moved(l *link, code chat.CloseCode) bool {
	c.mu.Lock()
	defer c.unlock()
	return l.left || l.told && code == chat.CloseDraining
}

func (c *Client) avoided() string {
	c.mu.Lock()
	defer c.unlock()
	return c.avoid
}
