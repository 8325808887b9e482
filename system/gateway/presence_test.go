package gateway

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// The device is findable before it learns that it has resumed, and its socket takes deliveries before that.
func TestAnnouncedBeforeResumed(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		user := chat.ID{1}
		reached := make(chan bool, 1)
		w.presence.hook = func(_ context.Context, c presenceCall) {
			if c.name == "announce" {
				<-time.After(time.Second)
				reached <- len(w.g.push(user[:], text(1))) == 0
			}
		}
		d := w.open(w.ticket(user, "phone", 7))
		d.say(wire.ClientFrame{Type: wire.TypeResume})
		require.EqualValues(t, 1, d.hear().Seq)
		require.True(t, <-reached)
		require.Equal(t, wire.TypeResumed, d.hear().Type)
		a := w.presence.named("announce")
		require.Len(t, a, 1)
		require.Equal(t, user, wire.ID(a[0].devices[0].UserId))
		require.Equal(t, "phone", a[0].devices[0].Device)
		require.Equal(t, "gateway-1", a[0].devices[0].Gateway)
		require.EqualValues(t, 7, a[0].devices[0].Epoch)
	})
}

// A presence service that is down or frozen costs a stated time, and is told as soon as it is back, though the device
// gives no other sign of life until then: whoever is not found is shown nothing.
func TestPresenceFailureDoesNotRefuseTheSession(t *testing.T) {
	for name, hook := range map[string]func(context.Context, presenceCall){
		"down":   nil,
		"frozen": func(ctx context.Context, c presenceCall) { <-ctx.Done() },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world) {
				w.presence.set(errors.New("down"), hook)
				start := time.Now()
				w.resume(chat.ID{1}, "phone", 1)
				require.LessOrEqual(t, time.Since(start), 2*time.Second)
				require.EqualValues(t, 1, w.metric("chat_gateway_presence_errors_total"))
				pass(5500*time.Millisecond - time.Since(start)) // between two attempts
				calls := len(w.presence.named("refresh"))
				require.NotZero(t, calls)
				require.LessOrEqual(t, calls, 5, "one at a time, once a second")
				w.presence.set(nil, nil)
				w.await(4*time.Second, func() bool { return len(w.presence.named("refresh")) > calls })
				<-time.After(5 * time.Second)
				require.Len(t, w.presence.named("refresh"), calls+1, "it was told")
			})
		})
	}
}

// What presence refuses is passed on again behind the others, and not after a third of the TTL: a device must not be
// online for longer than the TTL after a sign of life that is old.
func TestRefusedSignsOfLifeArePassedOnAgainWhileFresh(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		const devices = 2*maxRefresh + 1
		bad := chat.ID{0, 1}
		w.presence.refuse = func(c presenceCall) bool {
			return slices.ContainsFunc(c.devices, func(d *pb.DevicePresence) bool { return wire.ID(d.UserId) == bad })
		}
		for i := range devices {
			s := w.g.newSession(ticketOf(chat.ID{byte(i >> 8), byte(i)}))
			s.announced.Store(true)
			s.alive()
		}
		<-time.After(time.Minute)
		told, last, start := map[chat.ID]bool{}, time.Time{}, time.Now().Add(-time.Minute)
		for _, c := range w.presence.named("refresh") {
			last = c.at
			for _, d := range c.devices {
				if !w.presence.refuse(c) {
					told[wire.ID(d.UserId)] = true
				}
			}
		}
		require.GreaterOrEqual(t, len(told), maxRefresh, "those behind were told meanwhile")
		require.Less(t, last.Sub(start), 22*time.Second)
		require.Greater(t, last.Sub(start), 15*time.Second)
	})
}

// Presence hears of a device while it gives signs of life, by answering pings alone, and of no other.
func TestOnlySignsOfLifeRefreshPresence(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		lively, silent := w.resume(chat.ID{1}, "phone", 1), w.resume(chat.ID{2}, "phone", 1)
		lively.patience = time.Hour
		go lively.read() // answers pings
		_ = silent       // does not even read them
		start := time.Now()
		w.await(5*time.Minute, func() bool { return len(w.presence.named("refresh")) >= 3 })
		last := start
		for _, c := range w.presence.named("refresh") {
			require.Len(t, c.devices, 1)
			require.Equal(t, chat.ID{1}, wire.ID(c.devices[0].UserId))
			require.Less(t, c.at.Sub(last), time.Minute/2+2*time.Second, "twice within the TTL")
			last = c.at
		}
	})
}

func TestRefreshesShareACall(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		const devices = 700
		due := make([]*session, devices)
		for i := range due {
			due[i] = w.g.newSession(ticketOf(chat.ID{byte(i >> 8), byte(i)}))
			due[i].announced.Store(true)
		}
		for range 2 {
			for _, s := range due {
				s.alive() // once within a third of the TTL
			}
		}
		<-time.After(2 * time.Second)
		calls, told := w.presence.named("refresh"), map[chat.ID]int{}
		for _, c := range calls {
			require.LessOrEqual(t, len(c.devices), 500)
			for _, d := range c.devices {
				told[wire.ID(d.UserId)]++
			}
		}
		require.LessOrEqual(t, len(calls), 3)
		require.Len(t, told, devices)
		for _, n := range told {
			require.Equal(t, 1, n)
		}
	})
}

func TestClientsRefreshThemselvesInTheDocument(t *testing.T) {
	bubble(t, func(c *Config) { c.Switches.HeartbeatBy = "client" }, func(t *testing.T, w *world) {
		d := w.resume(chat.ID{1}, "phone", 1)
		d.patience = time.Hour
		go d.read()
		time.AfterFunc(4*time.Minute, func() { d.ws.CloseNow() })
		w.await(5*time.Minute, func() bool { return w.metric("chat_gateway_connections") == 0 })
		require.Empty(t, w.presence.named("refresh"))
		require.Len(t, w.presence.named("announce"), 1)
	})
}

func TestLeaveOnDisconnect(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		d := w.resume(chat.ID{1}, "phone", 4)
		w.open(w.ticket(chat.ID{2}, "phone", 1)).ws.CloseNow() // never resumed: presence does not know it
		d.ws.CloseNow()
		synctest.Wait()
		left := w.presence.named("leave")
		require.Len(t, left, 1)
		require.EqualValues(t, 4, left[0].devices[0].Epoch)
	})
}

// Of two connections of one device the higher epoch stays, whichever came first.
func TestSameDeviceReplacesItself(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		user := chat.ID{1}
		laptop := w.resume(user, "laptop", 1)
		old := w.resume(user, "phone", 5)
		fresh := w.resume(user, "phone", 6)
		require.Equal(t, chat.CloseReplaced, old.closed())
		late := w.open(w.ticket(user, "phone", 5))
		require.Equal(t, chat.CloseReplaced, late.closed())
		again := w.resume(user, "phone", 6)
		require.Equal(t, chat.CloseReplaced, fresh.closed(), "the same epoch: the later connection")
		require.Empty(t, w.g.push(user[:], text(1)))
		require.EqualValues(t, 1, again.hear().Seq)
		require.EqualValues(t, 1, laptop.hear().Seq)
		synctest.Wait()
		require.EqualValues(t, 2, w.metric("chat_gateway_connections"))
		require.Empty(t, w.presence.named("leave"), "the device is still here")
	})
}

// A device that has come back at another gateway loses its old connection as soon as presence says so.
func TestADeviceThatIsElsewhereIsClosed(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		moved, stays := w.resume(chat.ID{1}, "phone", 1), w.resume(chat.ID{2}, "phone", 1)
		stays.patience = time.Hour
		go stays.read()
		w.presence.mu.Lock()
		w.presence.newer = map[chat.ID]bool{{1}: true, {3}: true}
		w.presence.mu.Unlock()
		moved.patience = time.Minute
		start := time.Now()
		require.Equal(t, chat.CloseReplaced, moved.closed())
		require.Less(t, time.Since(start), 25*time.Second, "a third of the TTL, and the time to gather")

		late := w.open(w.ticket(chat.ID{3}, "phone", 1))
		late.say(wire.ClientFrame{Type: wire.TypeResume})
		require.Equal(t, chat.CloseReplaced, late.closed(), "told by its announcing")
		synctest.Wait()
		require.EqualValues(t, 1, w.metric("chat_gateway_connections"))
	})
}

func TestConnected(t *testing.T) {
	w := newWorld(t, nil)
	w.resume(chat.ID{1}, "phone", 1)
	w.resume(chat.ID{1}, "laptop", 1)
	w.resume(chat.ID{2}, "phone", 1)
	res, err := w.worker.Connected(t.Context(), &pb.ConnectedRequest{Users: wire.IDBytes(chat.ID{3}, chat.ID{2}, chat.ID{1})})
	require.NoError(t, err)
	require.Equal(t, wire.IDBytes(chat.ID{2}, chat.ID{1}), res.Users)
	for _, bad := range []int{15, 16 * (maxConnected + 1)} {
		_, err := w.worker.Connected(t.Context(), &pb.ConnectedRequest{Users: make([]byte, bad)})
		require.Equal(t, chat.CodeBadRequest, transport.Refusal(err).Code)
	}
	full, err := w.worker.Connected(t.Context(), &pb.ConnectedRequest{Users: make([]byte, 16*maxConnected)})
	require.NoError(t, err)
	require.Empty(t, full.Users)
}
