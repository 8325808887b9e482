package client

import (
	"context"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire"
)

// Ack says that a message was accepted.
type Ack struct {
	ClientMsgID chat.ID
	MessageID   chat.ID
	Attempts    int
}

// SendError says how a send ended that was not acknowledged. It wraps the refusal (a *chat.Error) and what ended the
// waiting, where there are such.
type SendError struct {
	Outcome     Kind    // Refused: it did not happen; Unknown: it may have; Unsent: no frame went out
	ClientMsgID chat.ID // zero when Unsent
	MessageID   chat.ID // that it has if it happened
	Attempts    int
	Refusal     *chat.Error // nil: none
	Err         error       // nil: the refusal ended it
}

func (e *SendError) Error() string {
	switch {
	case e.Refusal == nil:
		return fmt.Sprintf("send %s after %d attempts: %v", e.Outcome, e.Attempts, e.Err)
	case e.Err == nil:
		return fmt.Sprintf("send %s after %d attempts: %v", e.Outcome, e.Attempts, e.Refusal)
	}
	return fmt.Sprintf("send %s after %d attempts: %v; last refusal: %v", e.Outcome, e.Attempts, e.Err, e.Refusal)
}

// Unwrap returns the refusal and the cause.
func (e *SendError) Unwrap() (errs []error) {
	if e.Refusal != nil {
		errs = append(errs, e.Refusal)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// send is a message on its way. Its fields are under the client's lock, except the channels.
type send struct {
	conversation chat.ID
	content      string
	id           chat.ID // made with the first attempt, so that waiting for a connection does not age it
	frame        []byte

	attempts int
	certain  int // attempts whose refusal says that they did nothing
	refusal  *chat.Error
	acked    bool
	ack      Ack

	refusals chan *chat.Error
	done     chan struct{} // closed when acked
}

// Send says something in a conversation. It tries again under one client_msg_id, over any number of connections, until
// the message is accepted, is refused for good, or ctx ends; then the error is a *SendError. Without a connection it
// waits for one.
func (c *Client) Send(ctx context.Context, conversation chat.ID, content string) (Ack, error) {
	s := &send{conversation: conversation, content: content, refusals: make(chan *chat.Error, 4), done: make(chan struct{})}
	if err := wire.ValidateSend(chat.NewClientMsgID(c.cfg.Now()), content); err != nil {
		return c.conclude(s, chat.AsError(err), nil)
	}
	b := backoff{max: resilience.DeviceSend.Policy().Backoff.Max} // somebody waits for it
	for {
		l, err := c.attempt(ctx, s)
		if err != nil {
			return c.conclude(s, nil, err)
		}
		r, broken, err := s.wait(ctx, l.done, c.cfg.Timeouts.Ack)
		if err != nil || s.isDone() || r != nil && !c.cfg.RetryRefusal(r.Code) {
			return c.conclude(s, r, err)
		}
		if broken {
			continue
		}
		if err := s.pause(ctx, c.retryAfter(r, &b)); err != nil || s.isDone() {
			return c.conclude(s, nil, err)
		}
	}
}

// attempt sends the frame over the connection of the moment, for which it waits.
func (c *Client) attempt(ctx context.Context, s *send) (l *link, err error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	err = c.await(ctx, func() bool {
		if l = c.link; l == nil {
			return false
		}
		c.transmit(l, s)
		return true
	})
	return l, err
}

// transmit sends the frame; the lock is held.
func (c *Client) transmit(l *link, s *send) {
	if s.attempts == 0 {
		s.id = chat.NewClientMsgID(c.cfg.Now().Add(c.offset))
		s.frame = wire.Encode(wire.ClientFrame{Type: wire.TypeSend, ConversationID: s.conversation, ClientMsgID: s.id, Content: s.content})
		c.sends[s.id] = s
	}
	s.attempts++
	e := c.sendEvent(Attempt, s)
	e.Text = s.content
	c.emit(e)
	l.awaited++
	l.push(s.frame)
}

func (c *Client) sendEvent(k Kind, s *send) Event {
	e := Event{Kind: k, Conversation: s.conversation, ClientMsgID: s.id, Sender: c.cfg.UserID, Attempt: s.attempts}
	if s.attempts > 0 {
		e.MessageID = chat.MessageID(c.cfg.UserID, s.id)
	}
	return e
}

// wait waits for an answer to an attempt, for the end of its connection, or until it takes too long.
func (s *send) wait(ctx context.Context, broken <-chan struct{}, d time.Duration) (*chat.Error, bool, error) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.done:
		return nil, false, nil
	case r := <-s.refusals:
		return r, false, nil
	case <-broken:
		return nil, true, nil
	case <-t.C:
		return nil, false, nil
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

// pause waits before the next attempt; a late acknowledgement ends it.
func (s *send) pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.done:
		return nil
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *send) isDone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// retryAfter adds jitter to what a refusal says, so that those who were refused together do not return together.
func (c *Client) retryAfter(r *chat.Error, b *backoff) time.Duration {
	c.mu.Lock()
	defer c.unlock()
	d := b.next(c.cfg.Rand)
	if r != nil {
		d += r.RetryAfter
	}
	return d
}

// acked notes an acknowledgement; the lock is held.
func (c *Client) acked(l *link, clientMsgID, messageID chat.ID) {
	c.answered(l)
	s, ok := c.sends[clientMsgID]
	if !ok {
		return // its Send has ended
	}
	delete(c.sends, clientMsgID)
	s.acked, s.ack = true, Ack{ClientMsgID: clientMsgID, MessageID: messageID, Attempts: s.attempts}
	e := c.sendEvent(Acked, s)
	e.MessageID = messageID
	c.emit(e)
	close(s.done)
}

// refused hands a refusal to its send; the lock is held. One that answers neither send nor token answers a
// heartbeat, whose places the device then does not know.
func (c *Client) refused(l *link, f *wire.ServerFrame) {
	r := chat.Errorf(f.Code, "%s", f.Message).After(milliseconds(f.RetryAfterMS))
	c.emit(Event{Kind: ErrorFrame, ClientMsgID: f.ClientMsgID, Code: r.Code, RetryAfter: r.RetryAfter, Text: r.Message})
	if l.token.refuses(r.Code) {
		l.token.asked = false
		c.notRenewed(l, Event{Code: r.Code, Text: r.Message})
		return
	}
	if f.ClientMsgID == (chat.ID{}) {
		if l.answered < l.sent {
			l.answered++
			l.named++
			c.notify()
		}
		return
	}
	c.answered(l)
	s, ok := c.sends[f.ClientMsgID]
	if !ok {
		return
	}
	if r.Code != chat.CodeUnknownOutcome && r.Code != chat.CodeInternal {
		s.certain++
	}
	s.refusal = r
	select {
	case s.refusals <- r:
	default: // more refusals than attempts: the earlier ones tell enough
	}
}

// conclude ends a send with exactly one outcome. A refusal decides only if every attempt was answered by one: an
// earlier attempt that nobody answered may have done it.
func (c *Client) conclude(s *send, r *chat.Error, err error) (Ack, error) {
	c.mu.Lock()
	defer c.unlock()
	if s.acked {
		return s.ack, nil
	}
	delete(c.sends, s.id)
	if r == nil {
		r = s.refusal
	}
	e := &SendError{Outcome: s.outcome(r), ClientMsgID: s.id, Attempts: s.attempts, Refusal: r, Err: err}
	event := c.sendEvent(e.Outcome, s)
	e.MessageID = event.MessageID
	event.Text = e.Error()
	if r != nil {
		event.Code, event.RetryAfter = r.Code, r.RetryAfter
	}
	c.emit(event)
	return Ack{}, e
}

func (s *send) outcome(r *chat.Error) Kind {
	switch {
	case s.attempts > s.certain:
		return Unknown
	case r != nil:
		return Refused
	}
	return Unsent
}
