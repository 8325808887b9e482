package client

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// A hundred messages a second cost one small frame a second, and the last of them is told.
func TestReceivedIsToldOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		const seconds = 5
		var told []wire.ClientFrame
		var at []time.Time
		finished := make(chan struct{})
		f.gateway = func(p *peer) {
			p.resumed()
			go func() {
				for seq := range int64(seconds * 100) {
					p.live(seq + 1)
					after(10 * time.Millisecond)
				}
			}()
			for {
				frame, ok := p.expect(wire.TypeReceived)
				if !ok {
					return
				}
				told, at = append(told, frame), append(at, time.Now())
				if frame.Seq == seconds*100 {
					close(finished)
				}
			}
		}
		f.device(nil)
		f.run(func(context.Context) { <-finished; after(10 * time.Second) })
		require.LessOrEqual(t, len(told), seconds+2)
		for i, frame := range told {
			require.Equal(t, stamp(frame.Seq), frame.Timestamp)
			require.Less(t, len(wire.Encode(frame)), 200)
			if i > 0 {
				require.Greater(t, frame.Seq, told[i-1].Seq)
				require.GreaterOrEqual(t, at[i].Sub(at[i-1]), receivedEvery)
			}
		}
	})
}

func TestNoReceiptsTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.gateway = func(p *peer) {
			p.resumed()
			p.live(1, 2)
			if _, ok := p.expect(wire.TypeReceived); ok {
				t.Error("the device told what it received")
			}
		}
		f.device(func(c *Config) { c.NoReceipts = true })
		f.run(func(context.Context) { after(5 * time.Second) })
	})
}

// A read frame that may have been lost with its connection goes again over the next, and only then: with one that ends at
// once, and with one that is only found to be silent half a minute later.
func TestReadOutlivesItsConnection(t *testing.T) {
	t.Run("closed", func(t *testing.T) { readAgain(t, func(p *peer) { p.close(chat.CloseDraining) }) })
	t.Run("silent", func(t *testing.T) { readAgain(t, (*peer).hold) })
}

func readAgain(t *testing.T, end func(*peer)) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.heart = 30 * time.Second
		read := make(chan wire.ClientFrame)
		f.gateway = func(p *peer) {
			p.resumed()
			frame, ok := p.expect(wire.TypeRead)
			if ok {
				read <- frame
			}
			if p.n == 1 {
				end(p)
				return
			}
			p.beats()
		}
		c := f.device(nil)
		f.run(func(ctx context.Context) {
			require.NoError(t, c.Read(ctx, conv, chat.Position{Seq: 4}))
			for range 2 {
				var frame wire.ClientFrame
				select {
				case frame = <-read:
				case <-time.After(5 * time.Minute):
				}
				require.Equal(t, conv, frame.ConversationID)
				require.EqualValues(t, 4, frame.Seq)
			}
		})
	})
}

// Who reads everything at once, as after a week away, is no flood to the gateway; and what a connection ended before it was
// told goes over the next.
func TestReadsKeepAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		const all, broken = 500, 130
		type told struct {
			at   time.Time
			conn int
		}
		var frames []told
		last := map[chat.ID]int64{}
		finished := make(chan struct{})
		f.gateway = func(p *peer) {
			p.resumed()
			for {
				frame, ok := p.expect(wire.TypeRead)
				if !ok {
					return
				}
				frames, last[frame.ConversationID] = append(frames, told{time.Now(), p.n}), frame.Seq
				if len(frames)%readsAtOnce == 0 {
					p.send(wire.ServerFrame{Type: wire.TypeTyping, ConversationID: conv, UserID: other}) // the gateway is alive
				}
				if p.n == 1 && len(frames) == broken {
					p.close(chat.CloseDraining)
					return
				}
				if len(last) == all {
					close(finished)
					p.beats()
					return
				}
			}
		}
		c := f.device(nil)
		conversation := func(i int) chat.ID { return chat.ID{0: 1, 14: byte(i >> 8), 15: byte(i)} }
		f.run(func(ctx context.Context) {
			for i := range all {
				require.NoError(t, c.Read(ctx, conversation(i), chat.Position{Seq: 4}))
			}
			require.NoError(t, c.Read(ctx, conversation(all-1), chat.Position{Seq: 5}))
			<-finished
		})
		require.EqualValues(t, 5, last[conversation(all-1)], "the newest place")
		for i, frame := range frames[readsAtOnce:] {
			if before := frames[i]; before.conn == frame.conn {
				require.GreaterOrEqual(t, frame.at.Sub(before.at), readsEvery-10*time.Millisecond, "frame %d", i)
			}
		}
		second := frames[broken:] // all that came over the second connection
		require.Equal(t, 2, second[len(second)-1].conn)
		require.Less(t, second[len(second)-1].at.Sub(second[0].at), 14*readsEvery, "no slower than the pace")
	})
}

func TestTypingAndSocialEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		typed := 0
		f.gateway = func(p *peer) {
			p.resumed()
			p.send(wire.ServerFrame{Type: wire.TypeReceipt, ConversationID: conv, Members: 2, Receipts: []wire.Receipt{{Seq: 1, Delivered: 2}}},
				wire.ServerFrame{Type: wire.TypeTyping, ConversationID: conv, UserID: self},
				wire.ServerFrame{Type: wire.TypePresence, Presence: []wire.UserPresence{{UserID: self, Online: true}}})
			for {
				if _, ok := p.expect(wire.TypeTyping); !ok {
					return
				}
				typed++
			}
		}
		c := f.device(nil)
		c.Typing(conv) // without a connection it says nothing
		f.run(func(ctx context.Context) {
			require.NoError(t, c.await(ctx, func() bool { return c.link != nil }))
			for range 60 {
				c.Typing(conv)
				after(100 * time.Millisecond)
			}
		})
		require.Equal(t, 2, typed)
		require.Contains(t, f.told(), "receipt, typing, presence")
	})
}
