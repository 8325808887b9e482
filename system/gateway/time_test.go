package gateway

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

func ticketOf(user chat.ID) token.Ticket {
	return token.Ticket{User: user, Device: "phone", Gateway: "gateway-1", Epoch: 1, UserExpires: time.Now().Add(time.Hour), Expires: time.Now().Add(time.Minute)}
}

// heartbeats keeps a device from being idle and tells when its connection ended.
func (d *device) heartbeats(every time.Duration) (ended <-chan chat.CloseCode) {
	end, stop := make(chan chat.CloseCode, 1), make(chan struct{})
	d.patience = 24 * time.Hour
	go func() { end <- d.closed(); close(stop) }()
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				d.ws.Write(context.Background(), 1, wire.Encode(wire.ClientFrame{Type: wire.TypeHeartbeat}))
			case <-stop:
				return
			}
		}
	}()
	return end
}

func TestHeartbeatsKeepASessionUntilItsTokenEnds(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		start := time.Now()
		end := w.resume(chat.ID{1}, "phone", 1).heartbeats(30 * time.Second)
		require.Equal(t, chat.CloseTokenExpired, <-end)
		require.WithinDuration(t, start.Add(time.Hour), time.Now(), 2*time.Second)
	})
}

func TestPongsAreNoFrames(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		start := time.Now()
		d := w.resume(chat.ID{1}, "phone", 1)
		d.patience = time.Hour
		require.Equal(t, chat.CloseIdle, d.closed(), "a device whose program hangs still answers pings")
		require.WithinDuration(t, start.Add(5*time.Minute), time.Now(), 2*time.Second)
	})
}

func TestNewTokenExtendsTheSession(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		start, user := time.Now(), chat.ID{1}
		d := w.resume(user, "phone", 1)
		d.say(wire.ClientFrame{Type: wire.TypeAuth, Token: w.userToken(user, 3*time.Hour)})
		f := d.hear()
		require.Equal(t, wire.TypeAuth, f.Type)
		require.WithinDuration(t, start.Add(3*time.Hour), f.ExpiresAt, time.Second)
		require.Equal(t, chat.CloseTokenExpired, <-d.heartbeats(time.Minute))
		require.WithinDuration(t, start.Add(3*time.Hour), time.Now(), 2*time.Second)
	})
}

// A session far beyond any clock's range must not end at once.
func TestTokenWithoutEnd(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		k := ticketOf(chat.ID{1})
		k.UserExpires = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)
		d := w.open(w.sign(k))
		d.patience = time.Hour
		d.say(wire.ClientFrame{Type: wire.TypeResume})
		require.Equal(t, wire.TypeResumed, d.hear().Type)
		require.Equal(t, chat.CloseIdle, d.closed())
	})
}

// An idle chat has no added latency; a busy one is written to once per linger, and everything is written in the end.
func TestLinger(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		user := chat.ID{1}
		d := w.resume(user, "phone", 1)
		at := make(chan time.Duration, 1000)
		<-time.After(time.Second) // since the last write
		start := time.Now()
		go func() {
			for range 67 {
				d.hear()
				at <- time.Since(start)
			}
			close(at)
		}()
		flushed := w.metric("chat_gateway_flushes_total")
		w.g.push(user[:], text(1))
		require.Zero(t, <-at, "the first goes at once")
		tick := time.NewTicker(3 * time.Millisecond)
		defer tick.Stop()
		for i := range 66 { // 198 ms
			<-tick.C
			w.g.push(user[:], text(2+i))
		}
		var last time.Duration
		for last = range at {
			require.Zero(t, last%(40*time.Millisecond))
		}
		require.Equal(t, 200*time.Millisecond, last)
		require.EqualValues(t, 6, w.metric("chat_gateway_flushes_total")-flushed)
	})
}

// Close ends everything soon, also with devices and services that never answer.
func TestCloseIsBounded(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		user := chat.ID{1}
		d := w.resume(user, "phone", 1)
		w.messages.send = func(ctx context.Context, _ *pb.SendRequest) (*pb.SendResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		w.presence.hook = func(ctx context.Context, _ presenceCall) { <-ctx.Done() }
		d.say(sendFrame(chat.ID{9}, "hello"))
		w.g.push(user[:], text(1)) // which the device does not read
		synctest.Wait()
		start := time.Now()
		w.g.Close()
		require.LessOrEqual(t, time.Since(start), 3*time.Second)
		w.g.Close()
		_, _, err := w.connect(w.ticket(user, "phone", 9))
		require.Error(t, err)
	})
}
