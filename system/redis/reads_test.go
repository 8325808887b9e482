package redis

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
)

// Whatever raises and losses come in whatever order, a cached mark is the highest one raised since the last loss.
func TestReadsNeverGoBack(t *testing.T) {
	s := newServer(t)
	r, ctx := NewReads(s.client, 0), t.Context()
	rapid.Check(t, func(rt *rapid.T) {
		user, convs := chat.NewID(), []chat.ID{chat.NewID(), chat.NewID(), chat.NewID()}
		want := map[chat.ID]int64{}
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			if rapid.IntRange(0, 9).Draw(rt, "lost") == 0 {
				require.NoError(rt, s.client.db.Del(ctx, readsKey(user)).Err())
				clear(want)
			}
			m := ReadMark{user, rapid.SampledFrom(convs).Draw(rt, "conversation"), rapid.Int64Range(0, 20).Draw(rt, "seq")}
			require.NoError(rt, r.Raise(ctx, m))
			want[m.Conversation] = max(want[m.Conversation], m.Seq)
			got, err := r.Of(ctx, user, convs)
			require.NoError(rt, err)
			require.Equal(rt, want, got)
		}
	})
}

func TestReadsEndAfterTheirLifeHoweverOftenTheyAreRaised(t *testing.T) {
	s := newServer(t)
	if s.mini == nil {
		return // ten minutes of a real server's time
	}
	r, ctx, user, conv := NewReads(s.client, 0), t.Context(), chat.NewID(), chat.NewID()
	for range 5 {
		require.NoError(t, r.Raise(ctx, ReadMark{user, conv, 7}))
		s.pass(DefaultReadsTTL / 4)
	}
	got, err := r.Of(ctx, user, []chat.ID{conv})
	require.NoError(t, err)
	require.Equal(t, map[chat.ID]int64{conv: 7}, got, "of the second life")
	s.pass(DefaultReadsTTL)
	got, err = r.Of(ctx, user, []chat.ID{conv})
	require.NoError(t, err)
	require.Empty(t, got)
}
