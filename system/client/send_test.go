package client

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// An answer is what a gateway does about one attempt.
type answerTo func(p *peer, f wire.ClientFrame)

func ack(p *peer, f wire.ClientFrame) { p.ack(f.ClientMsgID) }
func silent(*peer, wire.ClientFrame)  {}
func cut(p *peer, _ wire.ClientFrame) { p.ws.CloseNow() }
func refuse(code chat.Code, after time.Duration) answerTo {
	return func(p *peer, f wire.ClientFrame) {
		p.send(wire.ErrorFrame(chat.Errorf(code, "because").After(after), f.ClientMsgID))
	}
}

type answers []answerTo

var sending = []struct {
	name    string
	answers answers // to the attempts in turn; the last one again and again
	config  func(*Config)
	want    string
	code    chat.Code     // of the refusal in the error
	atLeast time.Duration // virtual time it takes
}{
	{name: "acked", answers: answers{ack}, want: "attempt #1, acked #1"},
	{name: "acked after silence", answers: answers{silent, ack}, want: "attempt #1, attempt #2, acked #2", atLeast: 5 * time.Second},
	{name: "acked over another connection", answers: answers{cut, ack},
		want: "attempt #1, disconnected 0, connecting #1, connected, attempt #2, acked #2"},
	{name: "acked after refusals that allow it", answers: answers{refuse(chat.CodeUserLimit, 20*time.Second), refuse(chat.CodeUnavailable, 0), ack},
		want: "attempt #1, attempt #2, attempt #3, acked #3", atLeast: 20 * time.Second},
	{name: "acked after an unknown outcome", answers: answers{refuse(chat.CodeUnknownOutcome, time.Second), ack},
		want: "attempt #1, attempt #2, acked #2", atLeast: time.Second},
	{name: "refused for good", answers: answers{refuse(chat.CodeNotMember, 0)}, want: "attempt #1, refused not_member", code: chat.CodeNotMember},
	{name: "group limit returned where the caller wants that", answers: answers{refuse(chat.CodeGroupLimit, time.Second)},
		config: func(c *Config) {
			c.RetryRefusal = func(code chat.Code) bool { return code != chat.CodeGroupLimit && Retryable(code) }
		},
		want: "attempt #1, refused group_rate_limited", code: chat.CodeGroupLimit},
	{name: "refused after a refusal that did nothing", answers: answers{refuse(chat.CodeUnavailable, 0), refuse(chat.CodeNotMember, 0)},
		want: "attempt #1, attempt #2, refused not_member", code: chat.CodeNotMember},
	{name: "a refusal after silence leaves it unknown", answers: answers{silent, refuse(chat.CodeStaleSend, 0)},
		want: "attempt #1, attempt #2, unknown #2", code: chat.CodeStaleSend},
	{name: "a refusal after an unknown outcome leaves it unknown", answers: answers{refuse(chat.CodeInternal, 0), refuse(chat.CodeNotMember, 0)},
		want: "attempt #1, attempt #2, unknown #2", code: chat.CodeNotMember},
	{name: "the deadline leaves silence unknown", answers: answers{silent}, want: "attempt #1, attempt #2, unknown #2",
		config: func(c *Config) { c.Timeouts.Ack = 25 * time.Second }, atLeast: 30 * time.Second},
	{name: "the deadline after refusals that did nothing", answers: answers{refuse(chat.CodeUserLimit, time.Minute)},
		want: "attempt #1, refused user_rate_limited", code: chat.CodeUserLimit, atLeast: 30 * time.Second},
	{name: "a close code that forbids to return", answers: answers{func(p *peer, _ wire.ClientFrame) { p.close(chat.CloseReplaced) }},
		want: "attempt #1, disconnected 4003, unknown #1"},
	{name: "an acknowledgement that comes late", answers: answers{func(p *peer, f wire.ClientFrame) {
		refuse(chat.CodeUnknownOutcome, 10*time.Second)(p, f)
		after(3 * time.Second)
		ack(p, f)
	}}, want: "attempt #1, acked #1", atLeast: 3 * time.Second},
	{name: "an acknowledgement that comes too late", answers: answers{func(p *peer, f wire.ClientFrame) { after(31 * time.Second); ack(p, f) }},
		config: func(c *Config) { c.Timeouts.Ack = time.Hour }, want: "attempt #1, unknown #1"},
}

// TestSending tells how a send ends for what a gateway answers to its attempts.
func TestSending(t *testing.T) {
	for _, tc := range sending {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				var ids []chat.ID
				f.gateway = func(p *peer) {
					p.resumed()
					for {
						frame, ok := p.expect(wire.TypeSend)
						if !ok {
							return
						}
						ids = append(ids, frame.ClientMsgID)
						require.Equal(t, "hello", frame.Content)
						tc.answers[min(len(ids), len(tc.answers))-1](p, frame)
					}
				}
				f.device(func(c *Config) {
					c.Timeouts.Heartbeat = time.Hour
					if tc.config != nil {
						tc.config(c)
					}
				})
				began := time.Now()
				f.run(func(ctx context.Context) {
					ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
					defer cancel()
					got, err := f.client.Send(ctx, conv, "hello")
					require.GreaterOrEqual(t, time.Since(began), tc.atLeast)
					checkEnd(t, tc.want, tc.code, got, err)
					after(2 * time.Second) // what comes too late changes nothing
				})
				require.Equal(t, "connecting #1, connected, "+tc.want, strings.TrimSuffix(f.told(), ", disconnected 1000"))
				for _, id := range ids {
					require.Equal(t, ids[0], id)
				}
				require.Empty(t, f.client.sends)
			})
		})
	}
}

func checkEnd(t *testing.T, want string, code chat.Code, got Ack, err error) {
	if strings.Contains(want, "acked") {
		require.NoError(t, err)
		require.Equal(t, chat.MessageID(self, got.ClientMsgID), got.MessageID)
		return
	}
	var e *SendError
	require.ErrorAs(t, err, &e)
	require.Contains(t, want, e.Outcome.String())
	require.Equal(t, chat.MessageID(self, e.ClientMsgID), e.MessageID)
	require.NotEmpty(t, e.Error())
	if code != "" {
		var r *chat.Error
		require.True(t, errors.As(err, &r))
		require.Equal(t, code, r.Code)
	}
}

func (p *peer) ack(id chat.ID) {
	p.ws.Write(context.Background(), websocket.MessageText, wire.Encode(wire.ServerFrame{
		Type: wire.TypeAck, ClientMsgID: id, MessageID: chat.MessageID(self, id),
	}))
}

func TestASendThatNeverWentOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		c := f.device(nil)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := c.Send(ctx, conv, "hello")
		var e *SendError
		require.ErrorAs(t, err, &e)
		require.Equal(t, Unsent, e.Outcome)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		_, err = c.Send(context.Background(), conv, strings.Repeat("x", chat.MaxContentBytes+1))
		require.ErrorAs(t, err, &e)
		require.Equal(t, Refused, e.Outcome)
		require.Equal(t, "unsent, refused too_large", f.told())
		f.server.Close()
		f.listener.Close()
	})
}

// TestClientMsgIDsAreInServerTime shows that a device whose clock is wrong still names its sends in the server's time.
func TestClientMsgIDsAreInServerTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.skew = time.Hour
		f.gateway = func(p *peer) { p.resumed(); p.acks() }
		c := f.device(func(c *Config) { c.Now = func() time.Time { return time.Now().Add(-24 * time.Hour) } })
		f.run(func(ctx context.Context) {
			ack, err := c.Send(ctx, conv, "hello")
			require.NoError(t, err)
			at, err := chat.ClientMsgTime(ack.ClientMsgID)
			require.NoError(t, err)
			require.WithinDuration(t, time.Now().Add(time.Hour), at, time.Second)
		})
	})
}

// acks answers sends until the connection ends.
func (p *peer) acks() {
	for {
		frame, ok := p.expect(wire.TypeSend)
		if !ok {
			return
		}
		p.ack(frame.ClientMsgID)
	}
}

// TestManySendAtOnce breaks every third connection while many goroutines send.
func TestManySendAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.gateway = func(p *peer) {
			p.resumed()
			for n := 0; ; n++ {
				frame, ok := p.expect(wire.TypeSend)
				if !ok || n == 20 {
					return
				}
				p.ack(frame.ClientMsgID)
			}
		}
		c := f.device(nil)
		f.run(func(ctx context.Context) {
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					_, err := c.Send(ctx, conv, "hello")
					require.NoError(t, err)
				})
			}
			wg.Wait()
		})
		counts := map[Kind]int{}
		for _, e := range f.events {
			counts[e.Kind]++
		}
		require.Equal(t, 100, counts[Acked])
		require.Greater(t, counts[Connected], 3)
	})
}
