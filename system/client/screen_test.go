package client

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// asked is one read of a room's history.
type asked struct {
	room  chat.ID
	limit int
	at    time.Time
}

const (
	roomsMissed = 30 // more than a screen holds
	placesThere = 6  // of which the device has the first
)

func room(i int) (id chat.ID) {
	id = conv
	id[14] = byte(i)
	return id
}

// roomMessage stands in a room; a room with a higher number has the newer messages, but for the first ones.
func roomMessage(i int, seq int64) chat.Message {
	m := msg(seq)
	m.ConversationID, m.ID[13], m.Place.Timestamp = room(i), byte(i), stamp(10_000+int64(i)*100+seq)
	if seq == 1 {
		m.Place.Timestamp = stamp(10_000 - int64(i))
	}
	return m
}

// placeIn is where a message stands.
func placeIn(i int, seq int64) chat.Position {
	return chat.Position{ConversationID: room(i), Seq: seq, Timestamp: roomMessage(i, seq).Place.Timestamp}
}

// away makes an edge with rooms in which the device missed all but the first message, and the device.
func away(t *testing.T, sync string) *fake {
	f := newFake(t)
	f.rooms = map[chat.ID][]chat.Message{}
	var have, newer []chat.Position
	glances := []map[string]any{}
	for i := 1; i <= roomsMissed; i++ {
		for seq := int64(1); seq <= placesThere; seq++ {
			f.rooms[room(i)] = append(f.rooms[room(i)], roomMessage(i, seq))
		}
		have, newer = append(have, placeIn(i, 1)), append(newer, placeIn(i, placesThere))
	}
	for i := roomsMissed; i > roomsMissed-screenConversations; i-- {
		glances = append(glances, map[string]any{
			"conversation_id": room(i), "last_seq": placesThere, "read_seq": 1, "unread": placesThere - 1,
			"messages": []wire.ServerFrame{wire.MessageFrame(roomMessage(i, placesThere-1)), wire.MessageFrame(roomMessage(i, placesThere))},
		})
	}
	f.inbox = func() (int, any) { return http.StatusOK, map[string]any{"conversations": glances, "more": true} }
	f.gateway = func(p *peer) {
		p.expect(wire.TypeResume)
		p.send(wire.ServerFrame{Type: wire.TypeResumed, Newer: newer})
		p.beats()
	}
	f.device(func(c *Config) { c.Sync, c.Positions = sync, have })
	return f
}

// shownIn lists what was shown in a room.
func (f *fake) shownIn(room chat.ID) (seqs []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.Kind == Shown && e.Conversation == room {
			seqs = append(seqs, e.Seq)
		}
	}
	return seqs
}

func (f *fake) requireAllShown() {
	for i := 1; i <= roomsMissed; i++ {
		require.Equal(f.t, []int64{2, 3, 4, 5, 6}, f.shownIn(room(i)), "room %d", i)
	}
}

// TestFirstScreen shows that a device that was away shows the newest first, and gets the rest in the background: a room
// at a time, the newest first, nothing that it has already, each message once and in order.
func TestFirstScreen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := away(t, SyncNewest)
		f.run(func(ctx context.Context) {
			<-time.After(time.Millisecond)
			f.mu.Lock()
			var screens []Event
			for _, e := range f.events {
				require.NotEqual(t, Shown, e.Kind, "something is missing before all that the screen shows")
				if e.Kind == FirstScreen {
					screens = append(screens, e)
				}
			}
			f.mu.Unlock()
			require.Len(t, screens, 1)
			require.Len(t, screens[0].Screen, screenConversations)
			newest := screens[0].Screen[0]
			require.Equal(t, room(roomsMissed), newest.ConversationID)
			require.EqualValues(t, placesThere-1, newest.Unread)
			require.EqualValues(t, placesThere, newest.Messages[1].Place.Seq)
			require.NoError(t, f.client.Sync(ctx))
		})
		f.requireAllShown()
		require.Len(t, f.asked, roomsMissed)
		for n, a := range f.asked {
			require.Equal(t, room(roomsMissed-n), a.room)
			if n > 0 {
				require.GreaterOrEqual(t, a.at.Sub(f.asked[n-1].at), 20*time.Millisecond)
			}
			missing := placesThere - 1
			if n < screenConversations {
				missing -= 2
			}
			require.Equal(t, missing+1, a.limit)
		}
	})
}

// TestLiveMessageHurries shows that a room in which somebody speaks does not wait for its turn.
func TestLiveMessageHurries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := away(t, SyncNewest)
		inner := f.gateway
		f.gateway = func(p *peer) {
			time.AfterFunc(100*time.Millisecond, func() { p.send(wire.MessageFrame(roomMessage(1, placesThere+1))) })
			inner(p)
		}
		f.run(func(ctx context.Context) {
			<-time.After(110 * time.Millisecond)
			require.Equal(t, []int64{2, 3, 4, 5, 6, 7}, f.shownIn(room(1)))
			require.Empty(t, f.shownIn(room(2)))
			require.NoError(t, f.client.Sync(ctx))
		})
		require.Equal(t, []int64{2, 3, 4, 5, 6}, f.shownIn(room(2)))
	})
}

// TestNoFirstScreen shows that a device gets all it missed also where nothing answers what goes on its first screen, and
// where it wants none.
func TestNoFirstScreen(t *testing.T) {
	for name, sync := range map[string]string{"refused": SyncNewest, "not wanted": SyncFull} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := away(t, sync)
				f.inbox = func() (int, any) { return problem(chat.CodeUnavailable, 0) }
				f.run(func(ctx context.Context) { require.NoError(t, f.client.Sync(ctx)) })
				f.requireAllShown()
			})
		})
	}
}

// TestReportsArePaced shows that a device that caught up in many rooms does not tell all of them at once.
func TestReportsArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		const many = 3 * reportAtOnce
		var told []time.Time
		f.gateway = func(p *peer) {
			p.resumed()
			for i := range many {
				m := roomMessage(i%200, 1)
				m.ConversationID[13] = byte(i / 200)
				p.send(wire.MessageFrame(m))
			}
			for range many {
				if _, ok := p.expect(wire.TypeReceived); !ok {
					return
				}
				told = append(told, time.Now())
			}
			p.beats()
		}
		f.device(nil)
		f.run(func(context.Context) { <-time.After(5 * time.Second) })
		require.Len(t, told, many)
		require.GreaterOrEqual(t, told[many-1].Sub(told[0]), 2*receivedEvery)
	})
}

// TestPushBeforeResumed shows that a message without a seq that is pushed before the device has heard what it missed, or
// while it waits for that, does not pass for all that it missed.
func TestPushBeforeResumed(t *testing.T) {
	for _, first := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t)
			unplaced := func(seq int64) chat.Message {
				m := msg(seq)
				m.Place.Seq = 0
				return m
			}
			f.put(unplaced(1), unplaced(2), unplaced(3), unplaced(4))
			f.gateway = func(p *peer) {
				p.expect(wire.TypeResume)
				resumed := wire.ServerFrame{Type: wire.TypeResumed, Newer: []chat.Position{{ConversationID: conv, Timestamp: stamp(4)}}}
				if first {
					p.send(wire.MessageFrame(unplaced(4)), resumed)
				} else {
					p.send(resumed, wire.MessageFrame(unplaced(4)))
				}
				p.beats()
			}
			f.device(func(c *Config) { c.Positions = []chat.Position{{ConversationID: conv, Timestamp: stamp(1)}} })
			f.run(func(ctx context.Context) { require.NoError(t, f.client.Sync(ctx)) })
			shown := map[chat.ID]int{}
			for _, e := range f.events {
				if e.Kind == Shown {
					shown[e.MessageID]++
				}
			}
			require.Equal(t, map[chat.ID]int{msg(2).ID: 1, msg(3).ID: 1, msg(4).ID: 1}, shown)
		})
	}
}
