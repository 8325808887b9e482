package gateway

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// refusedBy tries to open a socket and returns the problem.
func (w *world) refusedBy() (*http.Response, problemDocument) {
	return w.ask("GET", "/ws", webSocket("Authorization", "Bearer "+w.ticket(chat.NewID(), "phone", 1))...)
}

// Near its memory limit a gateway takes no more sockets, keeps those it has, and says so; with some room it takes again.
func TestShedding(t *testing.T) {
	var used atomic.Uint64
	used.Store(79)
	memory := func(c *Config) { c.Memory = func() (uint64, uint64) { return used.Load(), 100 } }
	bubble(t, memory, func(t *testing.T, w *world) {
		d := w.resume(chat.ID{1}, "phone", 1)
		status := func() bool {
			s, err := w.g.Status(t.Context(), &pb.StatusRequest{})
			require.NoError(t, err)
			require.False(t, s.Draining)
			return s.Shedding
		}
		wait := func(u uint64) { synctest.Wait(); used.Store(u); <-time.After(memoryEvery + time.Millisecond) }
		require.False(t, status())
		wait(80)
		require.True(t, status())
		res, p := w.refusedBy()
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.Equal(t, chat.CodeUnavailable, p.Code)
		require.EqualValues(t, 1000, p.RetryAfterMS)
		require.EqualValues(t, 1, w.metric("chat_gateway_shedding"))
		require.EqualValues(t, 1, w.metric("chat_gateway_refusals_total"))
		d.say(wire.ClientFrame{Type: wire.TypeHeartbeat})
		require.Equal(t, wire.TypeHeartbeat, d.hear().Type, "an open socket is served")
		wait(76)
		require.True(t, status(), "it does not flutter")
		wait(74)
		require.False(t, status())
		w.resume(chat.ID{2}, "phone", 1)
	})
}

func TestTheSheddingSwitchIsOff(t *testing.T) {
	off := func(c *Config) {
		c.Switches.ShedAt = 0
		c.Memory = func() (uint64, uint64) { return 100, 100 }
	}
	bubble(t, off, func(t *testing.T, w *world) { w.resume(chat.ID{1}, "phone", 1) })
}

func TestAcceptRate(t *testing.T) {
	bubble(t, func(c *Config) { c.Limits.AcceptRate = 3 }, func(t *testing.T, w *world) {
		for i := range 3 {
			w.open(w.ticket(chat.ID{byte(i + 1)}, "phone", 1))
		}
		res, p := w.refusedBy()
		require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
		require.Equal(t, chat.CodeServerLimit, p.Code)
		require.Equal(t, "1", res.Header.Get("Retry-After"))
		<-time.After(time.Duration(p.RetryAfterMS) * time.Millisecond)
		w.open(w.ticket(chat.ID{9}, "phone", 1))
	})
}

// The address is asked before the ticket is looked at.
func TestAddressesAreAskedFirst(t *testing.T) {
	refuse := func(c *Config) {
		c.Admit = func(*http.Request) *chat.Error {
			return chat.Errorf(chat.CodeAddressLimit, "too often").After(1500 * time.Millisecond)
		}
	}
	w := newWorld(t, refuse)
	for _, path := range []string{"/ws", "/nowhere"} {
		res, p := w.ask("GET", path)
		require.Equal(t, http.StatusTooManyRequests, res.StatusCode)
		require.Equal(t, chat.CodeAddressLimit, p.Code)
		require.EqualValues(t, 1500, p.RetryAfterMS)
		require.Equal(t, "2", res.Header.Get("Retry-After"))
	}
}

// A session that sends too fast is refused with the time to wait; one that waits goes on; one that floods is closed.
func TestFrameRate(t *testing.T) {
	few := func(c *Config) { c.Limits.FrameRate, c.Limits.FrameBurst = 10, 5 }
	t.Run("waits", func(t *testing.T) {
		bubble(t, few, func(t *testing.T, w *world) {
			d := w.resume(chat.ID{1}, "phone", 1) // the first of the burst
			for range 4 {
				d.say(sendFrame(chat.ID{9}, "hello"))
				require.Equal(t, wire.TypeAck, d.hear().Type)
			}
			late := sendFrame(chat.ID{9}, "hello")
			d.say(late)
			f := d.hear()
			require.Equal(t, chat.CodeSessionLimit, f.Code)
			require.Equal(t, late.ClientMsgID, f.ClientMsgID, "the device knows which")
			require.InDelta(t, 100, f.RetryAfterMS, 100)
			<-time.After(time.Duration(f.RetryAfterMS)*time.Millisecond + time.Millisecond)
			d.say(late)
			require.Equal(t, wire.TypeAck, d.hear().Type)
		})
	})
	t.Run("floods", func(t *testing.T) {
		bubble(t, few, func(t *testing.T, w *world) {
			d := w.resume(chat.ID{1}, "phone", 1)
			go func() {
				for d.ws.Write(context.Background(), websocket.MessageText, []byte(`{"type":"heartbeat"}`)) == nil {
				}
			}()
			require.Equal(t, chat.CloseProtocol, d.closed())
		})
	})
	t.Run("steady", func(t *testing.T) {
		bubble(t, few, func(t *testing.T, w *world) {
			d := w.resume(chat.ID{1}, "phone", 1)
			for range 100 {
				<-time.After(100 * time.Millisecond)
				d.say(wire.ClientFrame{Type: wire.TypeHeartbeat})
				require.Equal(t, wire.TypeHeartbeat, d.hear().Type)
			}
		})
	})
}

// A ticket may be used again while it is good, by whoever holds it: the later socket replaces the earlier, so that the
// device notices, and no two sockets ever share one epoch. When it has expired it opens nothing.
func TestATicketIsReplayed(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		ticket := w.ticket(chat.ID{1}, "phone", 1)
		first := w.open(ticket)
		synctest.Wait() // until it is entered
		second := w.open(ticket)
		require.Equal(t, chat.CloseReplaced, first.closed())
		second.say(wire.ClientFrame{Type: wire.TypeResume})
		require.Equal(t, wire.TypeResumed, second.hear().Type)
		synctest.Wait()
		require.EqualValues(t, 1, w.g.connections.Load())
		<-time.After(time.Minute + 3*time.Second)
		_, res, err := w.connect(ticket)
		require.Error(t, err)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode)
	})
}

// Without the message service a gateway is not ready; without presence it is, and says what it lacks.
func TestReadyTellsTheTruth(t *testing.T) {
	w := newWorld(t, nil)
	require.NoError(t, w.g.Depends().Ask(t.Context()).Err())
	w.presence.mu.Lock()
	w.presence.fail = errors.New("away")
	w.presence.mu.Unlock()
	require.NoError(t, w.g.Depends().Ask(t.Context()).Err())
	without := w.g.Depends().Ask(t.Context()).Without()
	require.Len(t, without, 1)
	require.Equal(t, "presence", without[0].Name)
	w.messages.mu.Lock()
	w.messages.heads = func(context.Context, *pb.HeadsRequest) (*pb.HeadsResponse, error) { return nil, errors.New("away") }
	w.messages.mu.Unlock()
	require.ErrorContains(t, w.g.Depends().Ask(t.Context()).Err(), "message: see whether message pods run")
}
