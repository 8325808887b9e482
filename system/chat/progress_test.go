package chat_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
)

// Counts are those of a plain loop, in bounds, never go back and never grow with the place.
func TestCounts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		users := make([]chat.ID, rapid.IntRange(1, 8).Draw(rt, "users"))
		for i := range users {
			users[i] = chat.ID{byte(i + 1)}
		}
		members := users[:rapid.IntRange(1, len(users)).Draw(rt, "members")] // the others have left
		p, plain := chat.Progress{}, map[chat.ID]chat.Reached{}
		type count struct{ delivered, read int }
		last := map[int64]count{}
		asker := rapid.SampledFrom(users).Draw(rt, "asker")
		for range rapid.IntRange(1, 25).Draw(rt, "cursors") {
			c := chat.Cursor{User: rapid.SampledFrom(users).Draw(rt, "user"), Kind: rapid.SampledFrom([]string{chat.Delivered, chat.Read}).Draw(rt, "kind")}
			c.Seq = rapid.Int64Range(1, 10).Draw(rt, "seq")
			p.Note(c)
			r := plain[c.User]
			r.Delivered = max(r.Delivered, c.Seq)
			if c.Kind == chat.Read {
				r.Read = max(r.Read, c.Seq)
			}
			plain[c.User] = r
			counter := p.Counter(members)
			for seq := int64(10); seq >= 1; seq-- {
				var want count
				for _, m := range members {
					if m == asker {
						continue
					}
					if plain[m].Delivered >= seq {
						want.delivered++
					}
					if plain[m].Read >= seq {
						want.read++
					}
				}
				var got count
				got.delivered, got.read = counter.At(seq, asker)
				require.Equal(rt, want, got)
				require.LessOrEqual(rt, got.delivered, counter.Members(asker))
				require.LessOrEqual(rt, got.read, got.delivered)
				require.GreaterOrEqual(rt, got.delivered, last[seq].delivered)
				require.GreaterOrEqual(rt, got.read, last[seq].read)
				last[seq] = got
			}
		}
	})
}
