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
		w.messages.mu.Lock()
		down = false
		w.messages.mu.Unlock()
		pass(2 * time.Second)
		calls := w.messages.advanced()[tried:]
		require.Len(t, calls, 1)
		require.Len(t, calls[0].cursors, 2, "who has read it has it")
	})
}

// A place that is not stored yet is told again; one that never comes is given up; who may not is not asked for again.
func TestCursorsThatDoNotStand(t *testing.T) {
	for _, tc := range []struct {
		name  string
		res   *pb.AdvanceResponse
		calls int
	}{
		{"not stored", &pb.AdvanceResponse{Later: []int32{0}}, 1 + maxTries},
		{"a stranger's", &pb.AdvanceResponse{Refused: []int32{0}}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world) {
				w.messages.advance = func([]chat.Cursor) (*pb.AdvanceResponse, error) { return tc.res, nil }
				d := w.resume(chat.NewID(), "phone", 1)
				d.say(wire.ClientFrame{Type: wire.TypeReceived, ConversationID: chat.NewID(), Seq: 3})
				pass(time.Minute)
				require.Len(t, w.messages.advanced(), tc.calls)
			})
		})
	}
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
		key := func(r report) string { return r.cursor.Kind + r.cursor.ConversationID.String() }
		hand := func(fail, later bool) {
			for _, r := range c.moved(nil, s) {
				require.LessOrEqual(rt, r.cursor.Seq, came[key(r)])
				if fail {
					c.due = true
					continue
				}
				c.told(r, later)
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
				hand(rapid.Bool().Draw(rt, "fails"), false)
			}
		}
		hand(false, false)
		require.Equal(rt, came, told)
		require.Empty(rt, c.moved(nil, s))
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
