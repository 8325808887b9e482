package client

import (
	"context"
	"errors"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// A connection is good for as long as the user token that it came with. The device asks for another when a share of that
// time between these two has passed, drawn each time, so that devices which connected together do not renew together.
const (
	renewFrom = 0.6
	renewTo   = 0.8
	renewLast = time.Second            // with less left, the next connection brings the new token
	renewRest = 100 * time.Millisecond // at least, between two attempts
)

// renewal keeps the token of an open connection from ending. It is under the client's lock.
type renewal struct {
	expires  time.Time // by the servers' clocks; zero: nobody said
	until    time.Time // the same moment by this machine's monotonic clock
	next     *time.Timer
	asked    bool // the gateway owes an answer
	failures backoff
}

// renewal begins with what the edge says of the token that it took.
func (s sessionAnswer) renewal() renewal {
	if s.TokenExpiresAt.IsZero() {
		return renewal{}
	}
	return renewal{expires: s.TokenExpiresAt, until: time.Now().Add(s.TokenExpiresAt.Sub(s.ServerTime))}
}

// renewInTime plans the next renewal; the lock is held.
func (c *Client) renewInTime(l *link) {
	if l.token.expires.IsZero() {
		return
	}
	share := renewFrom + (renewTo-renewFrom)*c.cfg.Rand.Float64()
	l.renewAfter(time.Duration(share*float64(time.Until(l.token.until))), c.renew)
}

// renewAfter does the next step of a renewal later, and none that was planned before; the lock is held.
func (l *link) renewAfter(wait time.Duration, step func(*link)) {
	l.stopRenewing()
	l.token.next = time.AfterFunc(wait, func() { step(l) })
}

// stopRenewing is for the end of a connection; the lock is held.
func (l *link) stopRenewing() {
	if l.token.next != nil {
		l.token.next.Stop()
	}
}

// renew asks for a token, which may take a while.
func (c *Client) renew(l *link) {
	c.mu.Lock()
	defer c.unlock()
	if c.link != l || c.run == nil {
		return
	}
	run := c.run
	c.work.Go(func() { c.sendToken(run, l) })
}

func (c *Client) sendToken(run context.Context, l *link) {
	ctx, cancel := context.WithTimeout(run, c.cfg.Timeouts.Request)
	defer cancel()
	token, err := c.cfg.Token(ctx)
	if err == nil && token == "" {
		err = errors.New("it is empty")
	}
	c.mu.Lock()
	defer c.unlock()
	switch {
	case c.link != l || run.Err() != nil: // there is nothing to renew any more
	case err != nil:
		c.notRenewed(l, Event{Text: "get token: " + err.Error()})
	default:
		l.token.asked = true
		l.push(wire.Encode(wire.ClientFrame{Type: wire.TypeAuth, Token: token}))
		l.renewAfter(c.cfg.Timeouts.Ack, c.expectRenewed)
	}
}

// renewed takes the gateway's word on how long the connection is good now; the lock is held.
func (c *Client) renewed(l *link, expires time.Time) {
	t := &l.token
	if !t.asked || c.link != l {
		return
	}
	t.asked = false
	longer := expires.Sub(t.expires)
	if longer <= 0 {
		c.notRenewed(l, Event{Text: "the token function gave the token that ends, or one that ends no later"})
		return
	}
	t.expires, t.until = expires, t.until.Add(longer)
	t.failures.reset()
	c.emit(Event{Kind: Renewed})
	c.renewInTime(l)
}

func (c *Client) expectRenewed(l *link) {
	c.mu.Lock()
	defer c.unlock()
	if c.link == l && l.token.asked {
		l.token.asked = false
		c.notRenewed(l, Event{Text: "the gateway did not answer"})
	}
}

// refuses says whether a refusal answers a token.
func (t *renewal) refuses(code chat.Code) bool {
	return t.asked && (code == chat.CodeTokenInvalid || code == chat.CodeTokenExpired || code == chat.CodeTokenMissing)
}

// notRenewed tells why and plans the next attempt: with backoff, but never past the middle of the time that is left, so that a
// token which can be had only shortly before the end is found. The lock is held.
func (c *Client) notRenewed(l *link, e Event) {
	e.Kind, e.RetryAfter = RenewalFailed, 0
	if left := time.Until(l.token.until); left >= renewLast {
		e.RetryAfter = max(renewRest, min(l.token.failures.next(c.cfg.Rand), left/2))
		l.renewAfter(e.RetryAfter, c.renew)
	}
	c.emit(e)
	c.cfg.Log.Warn("the token was not renewed: the connection ends with it", "error", e.Text, "code", e.Code, "next_attempt", e.RetryAfter)
}
