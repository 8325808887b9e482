package receipts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
)

// step is one thing that happens to a conversation.
type step struct {
	what string // send, read (by a frame), read up to (over REST), look, lose
	seq  int64
}

func steps() *rapid.Generator[[]step] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{rapid.SampledFrom([]string{"send", "send", "read", "read up to", "look", "lose"}).Draw(t, "what"), rapid.Int64Range(1, 8).Draw(t, "seq")}
	}), 6, 12)
}

// Whatever sends, reads and losses of the cache come in whatever order, unread comes to be what storage says.
func TestUnreadConverges(t *testing.T) {
	w := start(t, func(s *chat.Switches) { s.GroupLimit = 0 })
	alice, bob := phone(t, w), phone(t, w)
	for seed := range 4 {
		made, err := alice.CreateConversation(t.Context(), chat.Direct, []chat.ID{bob.user})
		require.NoError(t, err)
		conv, last, read := made.ID, int64(0), int64(0)
		plan := steps().Example(seed)
		for i, s := range plan {
			seq := min(s.seq, last)
			switch s.what {
			case "send":
				last++
				alice.say(conv, fmt.Sprint("message ", last))
				require.Eventually(t, func() bool { return bob.of(conv).LastSeq == last }, patience, 10*time.Millisecond)
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
	}
}
