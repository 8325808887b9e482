package receipts_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// step is one thing that happens to a conversation.
type step struct {
	what string // send, reply, read (by a frame), read up to (over REST), look, lose
	seq  int64
}

func steps() *rapid.Generator[[]step] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{rapid.SampledFrom([]string{"send", "send", "reply", "read", "read up to", "look", "lose"}).Draw(t, "what"), rapid.Int64Range(1, 8).Draw(t, "seq")}
	}), 6, 12)
}

// Whatever sends, replies, reads and losses of the cache come in whatever order, unread comes to be what storage says, and
// nobody ever has to read what they said themselves.
func TestUnreadConverges(t *testing.T) {
	t.Parallel()
	w := start(t, func(s *chat.Switches) { s.GroupLimit = 0 })
	alice, bob := phone(t, w), phone(t, w)
	for seed := range 4 {
		made, err := alice.CreateConversation(t.Context(), chat.Direct, []chat.ID{bob.user})
		require.NoError(t, err)
		conv, last, read, said := made.ID, int64(0), int64(0), int64(0) // read by bob, said by alice
		plan := steps().Example(seed)
		for i, s := range plan {
			seq := min(s.seq, last)
			switch s.what {
			case "send":
				last++
				said = last
				alice.say(conv, fmt.Sprint("message ", last))
				alice.awaitOwn(conv, last)
				require.Eventually(t, func() bool { return bob.of(conv).LastSeq == last }, patience, 10*time.Millisecond)
			case "reply":
				last++
				read = last
				bob.say(conv, fmt.Sprint("reply ", last))
				bob.awaitOwn(conv, last)
			case "read", "read up to":
				if seq == 0 {
					continue
				}
				if s.what == "read" {
					require.NoError(t, bob.Read(t.Context(), conv, chat.Position{Seq: seq}))
				} else {
					require.NoError(t, bob.ReadUpTo(t.Context(), conv, seq))
				}
				read = max(read, seq)
			case "look":
				require.LessOrEqual(t, bob.of(conv).ReadSeq, read, "at step %d of %v", i, plan)
			case "lose":
				require.NoError(t, w.Stores.Cache.Kill(true))
				require.NoError(t, w.Stores.Cache.Restart())
			}
		}
		require.Eventually(t, func() bool {
			c := bob.of(conv)
			return c.ReadSeq == read && c.Unread == last-read
		}, patience, 50*time.Millisecond, "%v: want %d read of %d", plan, read, last)
		require.Eventually(t, func() bool {
			c := alice.of(conv)
			return c.ReadSeq == said && c.Unread == last-said
		}, patience, 50*time.Millisecond, "%v: alice said %d of %d", plan, said, last)
	}
}

// awaitOwn waits until the device's own message has its place. At no moment is it unread.
func (d *device) awaitOwn(conv chat.ID, seq int64) {
	d.t.Helper()
	require.Eventually(d.t, func() bool {
		c := d.of(conv)
		require.False(d.t, c.LastSeq == seq && c.Unread > 0, "%d unread, although the newest message is their own", c.Unread)
		return c.LastSeq == seq
	}, patience, time.Millisecond)
}

// Who answers has read what stands before the answer: their other devices and the other senders are told so.
func TestAnAnswerIsARead(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	alice, bob, carol := phone(t, w), phone(t, w), phone(t, w)
	made, err := alice.CreateConversation(t.Context(), chat.Group, []chat.ID{bob.user, carol.user})
	require.NoError(t, err)
	alice.say(made.ID, "one", "two")
	bob.awaitShown(2)
	alice.awaitReceipt(wire.Receipt{Seq: 2, Delivered: 2}, 2)
	bob.say(made.ID, "three")
	alice.awaitReceipt(wire.Receipt{Seq: 2, Delivered: 2, Read: 1}, 2)
	require.Eventually(t, func() bool {
		counts, _, err := alice.Receipts(t.Context(), made.ID, 1, 2, 3)
		return err == nil && slices.Equal(counts, []wire.Receipt{{Seq: 1, Delivered: 2, Read: 1}, {Seq: 2, Delivered: 2, Read: 1}, {Seq: 3, Delivered: 2, Read: 1}})
	}, patience, 100*time.Millisecond, "alice counts the others: bob has read all three, carol none")
	for range 2 { // by the cache, and without it
		b, c := bob.of(made.ID), carol.of(made.ID)
		require.Equal(t, []int64{3, 0, 0, 3}, []int64{b.ReadSeq, b.Unread, c.ReadSeq, c.Unread})
		require.EqualValues(t, 1, alice.of(made.ID).Unread, "bob's answer")
		require.NoError(t, w.Stores.Cache.Kill(true))
		require.NoError(t, w.Stores.Cache.Restart())
	}
}

// A first screen is the same by the cache, after the cache has lost all, and without it.
func TestAFirstScreenNeedsNoCache(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	alice, bob := phone(t, w), phone(t, w)
	made, err := alice.CreateConversation(t.Context(), chat.Direct, []chat.ID{bob.user})
	require.NoError(t, err)
	alice.say(made.ID, "one", "two", "three")
	bob.awaitShown(3)
	for _, lose := range []func() error{func() error { return nil }, func() error { return w.Stores.Cache.Kill(true) }, w.Stores.Cache.Restart} {
		require.NoError(t, lose())
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			screen, err := bob.Inbox(t.Context(), 20, 2)
			require.NoError(c, err)
			require.Len(c, screen, 1)
			require.EqualValues(c, 3, screen[0].LastSeq)
			require.Len(c, screen[0].Messages, 2)
			require.Equal(c, []string{"two", "three"}, []string{screen[0].Messages[0].Content, screen[0].Messages[1].Content})
		}, patience, 10*time.Millisecond)
	}
}
