package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// ending is how a connection, or the attempt to make one, ended.
type ending struct {
	err    error
	final  bool           // the device may not come back by itself
	code   chat.CloseCode // 0: none came
	lived  time.Duration  // since resumed; 0: it never got there
	after  time.Duration  // the earliest return, as a refusal said
	within time.Duration  // the window of return, as the close code says
	at     string         // the gateway, where the device had one
	moved  bool           // the gateway lets the device go, and paced that: it comes back at once
	full   bool           // the gateway takes nobody: another is asked for at once
}

// session makes one connection and lives with it.
func (c *Client) session(ctx context.Context, attempt int) ending {
	c.tell(Event{Kind: Connecting, Attempt: attempt})
	s, err := c.openSession(ctx)
	if err != nil {
		return refusedSession(err)
	}
	l, err := c.dial(ctx, s)
	if err != nil {
		e := ending{err: err, at: s.Gateway}
		if r := (*chat.Error)(nil); errors.As(err, &r) {
			e.after, e.full = r.RetryAfter, r.Code == chat.CodeUnavailable
		}
		return e
	}
	l.epoch, l.interval, l.token = s.Epoch, time.Duration(s.HeartbeatMS)*time.Millisecond, s.renewal()
	return c.live(ctx, l)
}

func (c *Client) tell(e Event) {
	c.mu.Lock()
	defer c.unlock()
	c.emit(e)
}

type sessionRequest struct {
	Device string `json:"device"`
	Avoid  string `json:"avoid,omitempty"` // the gateway that let the device go or took it not
}

// sessionAnswer says where the socket opens, and the ticket for it.
type sessionAnswer struct {
	Gateway        string    `json:"gateway"`
	GatewayURL     string    `json:"gateway_url"`
	Ticket         string    `json:"ticket"`
	TokenExpiresAt time.Time `json:"token_expires_at"`
	ServerTime     time.Time `json:"server_time"`
	HeartbeatMS    int64     `json:"heartbeat_interval_ms"`
	Epoch          int64     `json:"epoch"`
}

// socketURL is where the gateway is: by TLS, if the edge says so, and then by nothing less where the edge itself is.
func (s sessionAnswer) socketURL(edge string) (string, error) {
	at := s.GatewayURL
	if at == "" {
		at = "ws://" + s.Gateway + "/ws"
	}
	secure := strings.HasPrefix(at, "wss://")
	switch {
	case !secure && !strings.HasPrefix(at, "ws://"):
		return "", fmt.Errorf("gateway URL %q: want ws:// or wss://", at)
	case !secure && strings.HasPrefix(edge, "https://"):
		return "", fmt.Errorf("gateway URL %q: the edge is reached by TLS, so the ticket goes nowhere without", at)
	}
	return at, nil
}

// openSession asks the edge for a gateway and a ticket, and sets the clock by its answer.
func (c *Client) openSession(ctx context.Context) (s sessionAnswer, err error) {
	asked := c.cfg.Now()
	body, err := c.call(ctx, http.MethodPost, "/api/v1/sessions", sessionRequest{c.cfg.Device, c.avoided()})
	if err != nil {
		return s, fmt.Errorf("open session: %w", err)
	}
	if err := json.Unmarshal(body, &s); err != nil || s.Gateway == "" {
		return s, fmt.Errorf("open session: the answer is not a session (%w)", err)
	}
	now := c.cfg.Now()
	c.mu.Lock()
	defer c.unlock()
	c.offset = s.ServerTime.Sub(asked.Add(now.Sub(asked) / 2))
	return s, nil
}

// refusedSession is final where asking again cannot help: another token may be had only if the last one expired.
func refusedSession(err error) ending {
	r := (*chat.Error)(nil)
	if !errors.As(err, &r) {
		return ending{err: err}
	}
	return ending{err: err, final: !Retryable(r.Code), after: r.RetryAfter}
}

// live resumes and then receives until the connection ends.
func (c *Client) live(ctx context.Context, l *link) ending {
	stop := context.AfterFunc(ctx, func() { l.goodbye(c.cfg.Timeouts.Goodbye) })
	defer stop()
	resume := time.AfterFunc(c.cfg.Timeouts.Resume, func() { c.expectResumed(l) })
	defer resume.Stop()
	l.push(wire.Encode(c.resumeFrame()))
	err := l.read(func(data []byte) error { return c.receive(l, data) })
	e := ending{err: err, at: l.gateway, lived: c.drop(l)}
	if closed := (*ClosedError)(nil); errors.As(err, &closed) {
		e.code, e.final, e.within = closed.Code, !closed.Code.MayReconnect(), window(closed.Code)
	}
	if e.moved = c.moved(l, e.code); e.moved {
		e.final, e.within = false, 0
	}
	l.end()
	return e
}

func (c *Client) resumeFrame() wire.ClientFrame {
	ps := c.Positions()
	return wire.ClientFrame{Type: wire.TypeResume, Positions: ps[:min(len(ps), chat.MaxPositions)]}
}

func (c *Client) expectResumed(l *link) {
	c.mu.Lock()
	late := l.since.IsZero()
	c.unlock()
	if late {
		l.fail("the gateway did not answer resume")
	}
}

// resumed makes the connection the device's own; the lock is held.
func (c *Client) resumed(l *link, newer []chat.Position) {
	if !l.since.IsZero() {
		return
	}
	l.since = time.Now()
	c.link, c.avoid = l, ""
	l.beat = time.AfterFunc(c.cfg.Timeouts.Settle, func() { c.heartbeat(l) })
	c.emit(Event{Kind: Connected, Text: l.gateway})
	c.learnMissed(newer)
	c.armReports()
	c.tellReadsAgain()
	c.putPresence(l)
	c.resubscribe(l)
	c.renewInTime(l)
	c.notify()
}

// drop takes the connection away from the device and says how long it was up.
func (c *Client) drop(l *link) time.Duration {
	c.mu.Lock()
	defer c.unlock()
	if l.since.IsZero() {
		return 0
	}
	c.link = nil
	c.restReports()
	c.loseReads(l)
	l.beat.Stop()
	l.stopRenewing()
	if l.watch != nil {
		l.watch.Stop()
	}
	c.notify()
	return max(1, time.Since(l.since))
}

func window(code chat.CloseCode) time.Duration {
	for _, i := range chat.CloseCodes() {
		if i.Code == code {
			return i.Within
		}
	}
	return 0
}
