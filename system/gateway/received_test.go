package gateway

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// pass lets time pass, and what is due at its end happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// beat waits until the gateway has read what the device said before.
func (d *device) beat(positions ...chat.Position) {
	d.say(wire.ClientFrame{Type: wire.TypeHeartbeat, Positions: positions})
	require.Equal(d.t, wire.TypeHeartbeat, d.hear().Type)
}

// sum is the newest place told of each user, device and kind.
func sum(calls []advance) map[chat.Cursor]int64 {
	out := map[chat.Cursor]int64{}
	for _, a := range calls {
		for _, c := range a.cursors {
			key := c
			key.Position = chat.Position{ConversationID: c.ConversationID}
			out[key] = max(out[key], c.Seq)
		}
	}
	return out
}

// Fifty devices that say every 100 ms what they got cost one call a second, with one cursor for each of them.
func TestCursorsOfASecondGoTogether(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		conv := chat.NewID()
		devices := make([]*device, 50)
		for i := range devices {
			devices[i] = w.resume(chat.NewID(), "phone", 1)
		}
		const seconds = 5
		for step := range int64(seconds * 10) {
			for _, d := range devices {
				d.say(wire.ClientFrame{Type: wire.TypeReceived, ConversationID: conv, Seq: step + 1})
			}
			pass(100 * time.Millisecond)
		}
		pass(2 * time.Second)
		calls := w.messages.advanced()
		require.LessOrEqual(t, len(calls), seconds+2)
		for i, a := range calls {
			require.LessOrEqual(t, len(a.cursors), len(devices))
			if i > 0 {
				require.GreaterOrEqual(t, a.at.Sub(calls[i-1].at), reportEvery)
			}
		}
		told := sum(calls)
		require.Len(t, told, len(devices))
		for _, seq := range told {
			require.EqualValues(t, seconds*10, seq)
		}
		pass(time.Minute)
		require.Len(t, w.messages.advanced(), len(calls), "what does not move is not told")
	})
}

// Positions of resume and heartbeat tell what a lost frame did not, and nothing twice.
func TestPositionsHealLostFrames(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		at := func(seq int64) chat.Position { return chat.Position{ConversationID: chat.ID{1}, Seq: seq} }
		d := w.open(w.ticket(chat.NewID(), "phone", 1))
		d.say(wire.ClientFrame{Type: wire.TypeResume, Positions: []chat.Position{at(4), {ConversationID: chat.ID{2}}}})
		require.Equal(t, wire.TypeResumed, d.hear().Type)
		d.beat(at(4))
		pass(2 * time.Second)
		d.beat(at(4))
		d.beat(at(7))
		d.beat(at(6))
		pass(2 * time.Second)
		var seqs []int64
		for _, a := range w.messages.advanced() {
			for _, c := range a.cursors {
				require.Equal(t, chat.Delivered, c.Kind)
				require.Equal(t, "phone", c.Device)
				seqs = append(seqs, c.Seq)
			}
		}
		require.Equal(t, []int64{4, 7}, seqs)
	})
}

// The last cursors of a connection are told after its end, and those that no pod takes are told again.
func TestCursorsOutliveConnectionsAndPods(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		conv, down := chat.NewID(), true
		w.messages.advance = func([]chat.Cursor) (*pb.AdvanceResponse, error) {
			if down {
				return nil, errors.New("no pod")
			}
			return &pb.AdvanceResponse{}, nil
		}
		d := w.resume(chat.NewID(), "phone", 1)
		d.say(wire.ClientFrame{Type: wire.TypeRead, ConversationID: conv, Seq: 3})
		d.beat()
		d.ws.CloseNow()
		pass(5 * time.Second)
		tried := len(w.messages.advanced())
		require.InDelta(t, 5, tried, 1)
		require.EqualValues(t, 1, w.metric("chat_gateway_unreported_sessions"))
		w.messages.mu.Lock()
		down = false
		w.messages.mu.Unlock()
		pass(2 * time.Second)
		calls := w.messages.advanced()[tried:]
		require.Len(t, calls, 1)
		require.Len(t, calls[0].cursors, 2, "who has read it has it")
		require.Zero(t, w.metric("chat_gateway_unreported_sessions"))
	})
}

// Who may not have a cursor is not asked for again.
func TestAStrangersCursorIsToldOnce(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.putOff(&pb.AdvanceResponse{Refused: []int32{0}})
		d := w.resume(chat.NewID(), "phone", 1)
		d.say(wire.ClientFrame{Type: wire.TypeReceived, ConversationID: chat.NewID(), Seq: 3})
		pass(time.Minute)
		require.Len(t, w.messages.advanced(), 1)
	})
}

// putOff makes pods answer each report so; nil: they take it.
func (w *world) putOff(res *pb.AdvanceResponse) {
	w.messages.mu.Lock()
	defer w.messages.mu.Unlock()
	w.messages.advance = func(cursors []chat.Cursor) (*pb.AdvanceResponse, error) {
		switch {
		case res == nil:
			return &pb.AdvanceResponse{}, nil
		case len(res.Refused) > 0:
			return res, nil
		}
		all := &pb.AdvanceResponse{}
		for i := range cursors {
			all.Later = append(all.Later, int32(i))
		}
		return all, nil
	}
}

// live lets time pass for a device that gives signs of life, and no places. The first comes at once: one that was silent before
// would be pinged now, and nobody reads while time passes.
func (d *device) live(long time.Duration) {
	const every = 10 * time.Second
	d.beat()
	for ; long > 0; long -= every {
		pass(min(long, every))
		d.beat()
	}
}

// While the device is there, what pods put off for however long is told in the end: only the newest of each kind, and
// with ever fewer tries.
func TestCursorsThatArePutOffAreKept(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		conv, user := chat.NewID(), chat.NewID()
		w.putOff(&pb.AdvanceResponse{})
		d := w.resume(user, "phone", 1)
		d.say(wire.ClientFrame{Type: wire.TypeRead, ConversationID: conv, Seq: 3})
		d.live(5 * time.Minute)
		d.say(wire.ClientFrame{Type: wire.TypeReceived, ConversationID: conv, Seq: 8})
		d.say(wire.ClientFrame{Type: wire.TypeRead, ConversationID: conv, Seq: 5})
		pass(2 * time.Second)
		last := w.messages.advanced()
		require.EqualValues(t, 5, last[len(last)-1].cursors[1].Seq, "a newer place need not wait")
		d.live(5 * time.Minute)
		calls := w.messages.advanced()
		require.Less(t, len(calls), 2*(1+quickTries+doublings)+600/16+5, "ever fewer tries")
		for _, a := range calls {
			require.LessOrEqual(t, len(a.cursors), 2, "one of a kind")
		}
		w.putOff(nil)
		d.live(20 * time.Second)
		told := w.messages.advanced()[len(calls):]
		require.Equal(t, map[chat.Cursor]int64{
			{Position: chat.Position{ConversationID: conv}, User: user, Device: "phone", Kind: chat.Delivered}: 8,
			{Position: chat.Position{ConversationID: conv}, User: user, Device: "phone", Kind: chat.Read}:      5,
		}, sum(told))
		d.live(time.Minute)
		require.Len(t, w.messages.advanced(), len(calls)+len(told), "nothing is left")
	})
}

// What was put off when the connection ended is told when pods take it again soon, and is given up if not: it may be a
// place that no message has, and would keep the session for ever.
func TestCursorsThatArePutOffOutliveTheirConnection(t *testing.T) {
	for _, tc := range []struct {
		name string
		away time.Duration
		told bool
	}{
		{"soon", outlives - 20*time.Second, true},
		{"too late", outlives + 40*time.Second, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world) {
				w.putOff(&pb.AdvanceResponse{})
				d := w.resume(chat.NewID(), "phone", 1)
				d.say(wire.ClientFrame{Type: wire.TypeRead, ConversationID: chat.NewID(), Seq: 3})
				d.live(time.Minute)
				d.ws.CloseNow()
				pass(tc.away)
				before := len(w.messages.advanced())
				w.putOff(nil)
				pass(time.Minute)
				require.Equal(t, tc.told, len(w.messages.advanced()) > before)
				w.g.reporter.mu.Lock()
				defer w.g.reporter.mu.Unlock()
				require.Empty(t, w.g.reporter.due)
			})
		})
	}
}

// At its limit a session forgets what is told, then what the next heartbeat says again, and a read that is not told last.
func TestTheLimitOfCursorsForgetsWhatMattersLeast(t *testing.T) {
	var c cursors
	s := &session{}
	at := func(i int) chat.Position {
		return chat.Position{ConversationID: chat.ID{byte(i), byte(i >> 8)}, Seq: 1}
	}
	kept := func(i int) bool { _, ok := c.at[at(i).ConversationID]; return ok }
	for i := range chat.MaxPositions {
		kind := chat.Delivered
		if i < 10 {
			kind = chat.Read
		}
		c.note(kind, at(i))
	}
	reports, _ := c.moved(nil, s, 0)
	for _, r := range reports {
		c.told(r, r.cursor.ConversationID != at(20).ConversationID, 0)
	}
	c.note(chat.Read, at(chat.MaxPositions))
	require.False(t, kept(20), "it was told")
	for i := range chat.MaxPositions - 11 {
		c.note(chat.Read, at(chat.MaxPositions+1+i))
	}
	for i := range chat.MaxPositions {
		require.Equal(t, i < 10, kept(i), "%d: only its delivered place was not told", i)
	}
	require.Len(t, c.at, chat.MaxPositions)
}

// A list that is full of those who are gone still takes who is there.
func TestAFullListTakesTheLiving(t *testing.T) {
	var r reporter
	r.init()
	r.due = make([]*session, maxDue)
	gone, here := &session{received: cursors{due: true}}, &session{received: cursors{due: true}}
	gone.out.ended = true
	r.expect(gone)
	require.Len(t, r.due, maxDue)
	require.False(t, gone.received.due)
	r.expect(here)
	require.Same(t, here, r.due[maxDue])
	require.True(t, here.received.due)
}

func TestReceiptsSwitchedOff(t *testing.T) {
	bubble(t, func(c *Config) { c.Switches.Receipts = false }, func(t *testing.T, w *world) {
		d, conv := w.resume(chat.NewID(), "phone", 1), chat.NewID()
		d.say(wire.ClientFrame{Type: wire.TypeReceived, ConversationID: conv, Seq: 3})
		for _, typ := range []string{wire.TypeRead, wire.TypeTyping} {
			d.say(wire.ClientFrame{Type: typ, ConversationID: conv, Seq: 3})
			require.Equal(t, chat.CodeUnavailable, d.hear().Code)
		}
		pass(10 * time.Second)
		require.Empty(t, w.messages.advanced())
		require.Empty(t, w.messages.typed)
	})
}

// One typing frame of a user and conversation passes every three seconds, on whatever device; others pass by themselves.
func TestTypingIsThinned(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		alice, a, b := chat.NewID(), chat.NewID(), chat.NewID()
		phone, laptop, bob := w.resume(alice, "phone", 1), w.resume(alice, "laptop", 1), w.resume(chat.NewID(), "phone", 1)
		for range 60 { // 6 s
			phone.say(wire.ClientFrame{Type: wire.TypeTyping, ConversationID: a})
			laptop.say(wire.ClientFrame{Type: wire.TypeTyping, ConversationID: a})
			pass(100 * time.Millisecond)
		}
		bob.say(wire.ClientFrame{Type: wire.TypeTyping, ConversationID: a})
		phone.say(wire.ClientFrame{Type: wire.TypeTyping, ConversationID: b})
		synctest.Wait()
		require.Len(t, w.messages.typed, 4)
		w.messages.typing = func(*pb.TypingRequest) error {
			return refusal(chat.CodeNotMember)
		}
		bob.say(wire.ClientFrame{Type: wire.TypeTyping, ConversationID: b})
		require.Equal(t, chat.CodeNotMember, bob.hear().Code)
	})
}

// Whatever order frames come in, and whatever becomes of calls: what is told never goes back for good, is never more
// than what came, and in the end is all of it.
func TestCursorsConverge(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var c cursors
		s := &session{user: chat.ID{9}, device: "phone"}
		came, told := map[string]int64{}, map[string]int64{}
		now := time.Duration(0)
		key := func(r report) string { return r.cursor.Kind + r.cursor.ConversationID.String() }
		hand := func(fail, later bool) {
			now += time.Duration(rapid.IntRange(1, 3).Draw(rt, "seconds")) * time.Second
			reports, _ := c.moved(nil, s, now)
			for _, r := range reports {
				require.LessOrEqual(rt, r.cursor.Seq, came[key(r)])
				if fail {
					c.due = true
					continue
				}
				c.told(r, later, now)
				if !later {
					require.GreaterOrEqual(rt, r.cursor.Seq, told[key(r)])
					told[key(r)] = r.cursor.Seq
				}
			}
		}
		for range rapid.IntRange(1, 40).Draw(rt, "frames") {
			conv, kind := chat.ID{byte(rapid.IntRange(1, 3).Draw(rt, "conversation"))}, rapid.SampledFrom([]string{chat.Delivered, chat.Read}).Draw(rt, "kind")
			p := chat.Position{ConversationID: conv, Seq: rapid.Int64Range(1, 50).Draw(rt, "seq")}
			c.note(kind, p)
			for _, k := range slices.Compact([]string{chat.Delivered, kind}) {
				k += conv.String()
				came[k] = max(came[k], p.Seq)
			}
			if rapid.Bool().Draw(rt, "report") {
				hand(rapid.Bool().Draw(rt, "fails"), rapid.Bool().Draw(rt, "put off"))
			}
		}
		for range rapid.IntRange(0, 40).Draw(rt, "put off at last") {
			hand(false, true)
		}
		now += time.Hour
		hand(false, false)
		require.Equal(rt, came, told)
		left, waits := c.moved(nil, s, now)
		require.Empty(rt, left)
		require.False(rt, waits)
	})
}

// Sessions that come and go while reports run: for the race detector.
func TestReportsRunBesideFrames(t *testing.T) {
	w := newWorld(t, nil)
	var work sync.WaitGroup
	for range 8 {
		d := w.resume(chat.NewID(), "phone", 1)
		work.Go(func() {
			for seq := range int64(200) {
				d.say(wire.ClientFrame{Type: wire.TypeReceived, ConversationID: chat.ID{byte(seq % 7)}, Seq: seq + 1})
			}
			d.ws.CloseNow()
		})
	}
	work.Wait()
	require.Eventually(t, func() bool { return len(sum(w.messages.advanced())) >= 8 }, 10*time.Second, 10*time.Millisecond)
}

func refusal(code chat.Code) error {
	st, err := status.New(codes.Aborted, "no").WithDetails(&pb.Refusal{Code: string(code), Message: "no"})
	if err != nil {
		return err
	}
	return st.Err()
}
