package redis

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

var born = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// placed is the message at a seq, as log and storage both give it.
func placed(conv chat.ID, seq int64) chat.Message {
	at := born.Add(time.Duration(seq) * time.Second)
	return chat.Message{
		ID: chat.MessageID(conv, chat.ID{byte(seq), byte(seq >> 8)}), ConversationID: conv, SenderID: chat.ID{7}, ClientMsgID: chat.ID{8},
		Type: chat.TypeText, Content: fmt.Sprint("message <", seq, "> & more"), CreatedAt: at,
		Place: chat.Place{Seq: seq, Timestamp: order.TimeUUID(order.TicksOf(at), 3, seq), Partition: 3, Offset: 1000 + seq},
	}
}

func run(conv chat.ID, from, to int64) (ms []chat.Message) {
	for seq := max(from, 1); seq <= to; seq++ {
		ms = append(ms, placed(conv, seq))
	}
	return ms
}

func seqs(ms []chat.Message) (out []int64) {
	for _, m := range ms {
		out = append(out, m.Place.Seq)
	}
	return out
}

// begin makes the set of a new conversation one that a reader has filled.
func begin(t testing.TB, c *Cache, conv chat.ID) {
	t.Helper()
	_, complete, err := c.Newest(t.Context(), conv, 5)
	require.NoError(t, err)
	require.False(t, complete)
	require.NoError(t, c.Fill(t.Context(), conv, nil))
}

func TestNewestIsARunThatEndsInTheNewest(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	c := NewCache(s.client, 0)
	for _, test := range []struct {
		name     string
		added    []int64
		limit    int
		want     []int64
		complete bool
	}{
		{"nothing", nil, 10, nil, false},
		{"from the first", []int64{1, 2, 3}, 10, []int64{1, 2, 3}, true},
		{"limit met", []int64{5, 6, 7, 8}, 3, []int64{6, 7, 8}, true},
		{"too few", []int64{5, 6, 7}, 4, []int64{5, 6, 7}, false},
		{"behind a gap", []int64{1, 2, 4, 5}, 4, []int64{4, 5}, false},
		{"gap beyond the limit", []int64{1, 2, 4, 5}, 2, []int64{4, 5}, true},
		{"out of order", []int64{3, 1, 2}, 3, []int64{1, 2, 3}, true},
		{"again and again", []int64{3, 3, 2, 3, 2}, 2, []int64{2, 3}, true},
	} {
		conv := chat.NewID()
		begin(t, c, conv)
		for _, seq := range test.added {
			require.NoError(t, c.Add(ctx, conv, placed(conv, seq)))
		}
		for range 2 { // the second finds the mark that the first made
			got, complete, err := c.Newest(ctx, conv, test.limit)
			require.NoError(t, err)
			assert.Equal(t, test.want, seqs(got), test.name)
			assert.Equal(t, test.complete, complete, test.name)
			for _, m := range got {
				assert.Equal(t, placed(conv, m.Place.Seq), m)
			}
		}
	}
}

// A glance is one round trip, and writes nothing: most of what is glanced at is not opened.
func TestGlance(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	c := NewCache(s.client, 0)
	held, begun, absent := chat.NewID(), chat.NewID(), chat.NewID()
	begin(t, c, held)
	require.NoError(t, c.Add(ctx, held, placed(held, 1), placed(held, 2), placed(held, 3)))
	require.NoError(t, c.Add(ctx, begun, placed(begun, 3)))
	got, err := c.Glance(ctx, []chat.ID{absent, begun, held}, 2)
	require.NoError(t, err)
	require.Equal(t, map[chat.ID][]chat.Message{held: {placed(held, 2), placed(held, 3)}}, got)
	require.Zero(t, s.client.db.Exists(ctx, cacheKey(absent)).Val())
	got, err = c.Glance(ctx, nil, 2)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestAddKeepsTheNewestHundred(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	c := NewCache(s.client, 0)
	conv := chat.NewID()
	require.NoError(t, c.Add(ctx, conv))
	begin(t, c, conv)
	require.NoError(t, c.Add(ctx, conv, run(conv, 1, 150)...))
	require.NoError(t, c.Add(ctx, conv, placed(conv, 7)), "an old one does not come back")
	got, complete, err := c.Newest(ctx, conv, CacheSize)
	require.NoError(t, err)
	assert.True(t, complete)
	assert.Equal(t, run(conv, 51, 150), got)
	_, complete, err = c.Newest(ctx, conv, 200)
	require.NoError(t, err)
	assert.False(t, complete)
	n, err := s.client.db.ZCard(ctx, cacheKey(conv)).Result()
	require.NoError(t, err)
	assert.LessOrEqual(t, n, int64(CacheSize+2))
	ttl, err := s.client.db.PTTL(ctx, cacheKey(conv)).Result()
	require.NoError(t, err)
	assert.InDelta(t, DefaultCacheTTL, ttl, float64(time.Minute))
}

func TestAddAllServesManyConversations(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	c := NewCache(s.client, 0)
	a, b := chat.NewID(), chat.NewID()
	begin(t, c, a)
	begin(t, c, b)
	require.NoError(t, c.AddAll(ctx, []chat.Message{placed(a, 1), placed(b, 1), placed(a, 2)}))
	require.NoError(t, c.AddAll(ctx, nil))
	for conv, want := range map[chat.ID]int64{a: 2, b: 1} {
		got, complete, err := c.Newest(ctx, conv, 10)
		require.NoError(t, err)
		assert.True(t, complete)
		assert.Equal(t, run(conv, 1, want), got)
	}
}

// miss reads and expects that storage is needed.
func miss(t *testing.T, c *Cache, conv chat.ID) {
	t.Helper()
	_, complete, err := c.Newest(t.Context(), conv, 5)
	require.NoError(t, err)
	require.False(t, complete)
}

func newest(t *testing.T, c *Cache, conv chat.ID) []int64 {
	t.Helper()
	got, _, err := c.Newest(t.Context(), conv, 5)
	require.NoError(t, err)
	return seqs(got)
}

func TestFill(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	c, other := NewCache(s.client, 0), NewCache(s.client, 0)
	add := func(conv chat.ID, seq int64) { require.NoError(t, c.Add(ctx, conv, placed(conv, seq))) }
	fill := func(c *Cache, conv chat.ID, to int64) { require.NoError(t, c.Fill(ctx, conv, run(conv, to-99, to))) }
	want := func(conv chat.ID, seqs ...int64) {
		t.Helper()
		assert.Equal(t, seqs, newest(t, c, conv))
	}
	t.Run("an idle conversation", func(t *testing.T) {
		conv := chat.NewID()
		miss(t, c, conv)
		fill(c, conv, 60)
		want(conv, 56, 57, 58, 59, 60)
		ttl, err := s.client.db.PTTL(ctx, cacheKey(conv)).Result()
		require.NoError(t, err)
		assert.InDelta(t, DefaultCacheTTL, ttl, float64(time.Minute))
		got, complete, err := c.Newest(ctx, conv, 60)
		require.NoError(t, err)
		assert.True(t, complete)
		assert.Equal(t, run(conv, 1, 60), got)
	})
	t.Run("a whole hundred", func(t *testing.T) {
		conv := chat.NewID()
		miss(t, c, conv)
		require.NoError(t, c.Fill(ctx, conv, run(conv, 1, 500)))
		got, complete, err := c.Newest(ctx, conv, CacheSize)
		require.NoError(t, err)
		assert.True(t, complete)
		assert.Equal(t, run(conv, 401, 500), got)
	})
	t.Run("messages come while storage is read", func(t *testing.T) {
		conv := chat.NewID()
		miss(t, c, conv)
		add(conv, 61)
		fill(c, conv, 60)
		want(conv, 57, 58, 59, 60, 61)
	})
	t.Run("so many come that nothing of the read is wanted", func(t *testing.T) {
		conv := chat.NewID()
		miss(t, c, conv)
		require.NoError(t, c.Add(ctx, conv, run(conv, 61, 300)...))
		fill(c, conv, 60)
		want(conv, 296, 297, 298, 299, 300)
		n, err := s.client.db.ZCard(ctx, cacheKey(conv)).Result()
		require.NoError(t, err)
		assert.LessOrEqual(t, n, int64(CacheSize+1))
	})
	t.Run("a gap is repaired", func(t *testing.T) {
		conv := chat.NewID()
		add(conv, 60)
		add(conv, 62)
		miss(t, c, conv)
		fill(c, conv, 62)
		want(conv, 58, 59, 60, 61, 62)
	})
	t.Run("a message was added and evicted meanwhile", func(t *testing.T) {
		conv := chat.NewID()
		miss(t, c, conv)
		add(conv, 61)
		require.NoError(t, s.client.db.Del(ctx, cacheKey(conv)).Err())
		fill(c, conv, 60)
		want(conv)
	})
	t.Run("and another reader of this process missed since", func(t *testing.T) {
		conv := chat.NewID()
		miss(t, c, conv)
		add(conv, 61)
		require.NoError(t, c.Drop(ctx, conv))
		miss(t, c, conv)
		fill(c, conv, 60)
		want(conv)
	})
	t.Run("and a reader of another process missed since", func(t *testing.T) {
		conv := chat.NewID()
		miss(t, c, conv)
		add(conv, 61)
		require.NoError(t, c.Drop(ctx, conv))
		miss(t, other, conv)
		fill(c, conv, 60)
		want(conv)
		fill(other, conv, 61)
		want(conv, 57, 58, 59, 60, 61)
	})
	t.Run("a worker that repeats old records proves nothing", func(t *testing.T) {
		conv := chat.NewID()
		require.NoError(t, c.Add(ctx, conv, run(conv, 1, 20)...))
		miss(t, c, conv)
		miss(t, c, conv)
		fill(c, conv, 60)
		want(conv, 56, 57, 58, 59, 60)
		_, complete, err := c.Newest(ctx, conv, 5)
		require.NoError(t, err)
		assert.True(t, complete)
	})
	t.Run("without a read before", func(t *testing.T) {
		conv := chat.NewID()
		fill(c, conv, 60)
		want(conv)
	})
}

func TestReadersOfTwoLivesFillAgainLater(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	c := NewCache(s.client, 0)
	now := time.Now()
	c.lives.now = func() time.Time { return now }
	conv := chat.NewID()
	miss(t, c, conv)
	require.NoError(t, c.Drop(ctx, conv))
	miss(t, c, conv)
	require.NoError(t, c.Fill(ctx, conv, run(conv, 1, 9)))
	assert.Empty(t, newest(t, c, conv), "the first reader may still be at work")
	now = now.Add(readWithin)
	require.NoError(t, c.Fill(ctx, conv, run(conv, 1, 9)))
	assert.Equal(t, []int64{5, 6, 7, 8, 9}, newest(t, c, conv))
}

func TestAReaderWhoCouldNotAskFillsNothing(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	if s.mini == nil {
		t.Log("failing on purpose needs miniredis")
		return
	}
	c := NewCache(s.client, 0)
	conv := chat.NewID()
	s.mini.SetError("LOADING")
	_, _, err := c.Newest(ctx, conv, 5)
	require.Error(t, err)
	require.Error(t, c.Add(ctx, conv, placed(conv, 1)))
	require.Error(t, c.AddAll(ctx, run(conv, 1, 2)))
	require.Error(t, c.Drop(ctx, conv))
	require.Error(t, c.Ready(ctx))
	s.mini.SetError("")
	miss(t, c, conv) // another reader, who could
	require.NoError(t, c.Fill(ctx, conv, run(conv, 1, 9)))
	assert.Empty(t, newest(t, c, conv))
}

func TestLivesAreBounded(t *testing.T) {
	now := time.Now()
	l := newLives()
	l.now = func() time.Time { return now }
	conv := func(i int) (id chat.ID) { id[0], id[1], id[2] = byte(i), byte(i>>8), byte(i>>16); return id }
	for i := range maxLives {
		l.saw(conv(i), "a")
	}
	_, ok := l.of(conv(5))
	assert.True(t, ok)
	l.saw(chat.NewID(), "a")
	assert.Len(t, l.by, maxLives)
	_, ok = l.of(conv(5))
	assert.False(t, ok, "somebody reads whom nobody noted")
	now = now.Add(readWithin + time.Second)
	l.saw(conv(maxLives), "a")
	assert.Len(t, l.by, 1)
	_, ok = l.of(conv(maxLives))
	assert.True(t, ok)
}

func TestMemberIsStable(t *testing.T) {
	m := placed(chat.ID{1}, 5)
	m.ID = chat.ID{2}
	assert.Equal(t, `{"v":1,"at":"11f1e7fe9607d0808003000000000005","seq":5,"partition":3,"offset":1005,`+
		`"id":"02000000-0000-0000-0000-000000000000","sender":"07000000-0000-0000-0000-000000000000",`+
		`"client_msg_id":"08000000-0000-0000-0000-000000000000","type":"text","content":"message <5> & more","created_ms":1795521605000}`,
		encodeMember(m))
}

func TestForeignMembersAreGaps(t *testing.T) {
	s, ctx := newServer(t), t.Context()
	c := NewCache(s.client, 0)
	conv := chat.NewID()
	require.NoError(t, c.Add(ctx, conv, run(conv, 1, 5)...))
	other := strings.Replace(encodeMember(placed(conv, 6)), `"v":1`, `"v":2`, 1)
	require.NoError(t, s.client.db.ZAdd(ctx, cacheKey(conv), goredis.Z{Score: 6, Member: other}).Err())
	require.NoError(t, c.Add(ctx, conv, placed(conv, 7)))
	assert.Equal(t, []int64{7}, newest(t, c, conv))
}

// Any message comes back as storage would give it, to the millisecond.
func TestMemberRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Custom(func(t *rapid.T) (id chat.ID) {
			copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
			return id
		})
		m := chat.Message{
			ID: id.Draw(t, "message"), ConversationID: id.Draw(t, "conv"), SenderID: id.Draw(t, "sender"), ClientMsgID: id.Draw(t, "client"),
			Type: chat.TypeText, Content: rapid.String().Draw(t, "content"), CreatedAt: time.UnixMilli(rapid.Int64Range(0, 1<<43).Draw(t, "at")).UTC(),
			Place: chat.Place{Seq: rapid.Int64Min(0).Draw(t, "seq"), Timestamp: id.Draw(t, "timestamp"), Offset: rapid.Int64Min(0).Draw(t, "offset")},
		}
		got, err := decodeMember(m.ConversationID, encodeMember(m))
		require.NoError(t, err)
		require.Equal(t, m, got)
		require.True(t, json.Valid([]byte(encodeMember(m))))
	})
}

func FuzzDecodeMember(f *testing.F) {
	f.Add(encodeMember(placed(chat.ID{1}, 5)))
	f.Add(`{"v":1,"at":""}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := decodeMember(chat.ID{1}, text)
		if err != nil {
			return
		}
		again, err := decodeMember(chat.ID{1}, encodeMember(m))
		if err != nil || again != m {
			t.Fatalf("%+v became %+v (%v)", m, again, err)
		}
	})
}

// Without seqs the cache is the newest hundred by time, equal times in the order of their timestamps.
func TestCacheModelWithoutSeqs(t *testing.T) {
	s := newServer(t)
	c := NewCache(s.client, 0)
	rapid.Check(t, func(rt *rapid.T) {
		conv := chat.NewID()
		var model []chat.Message
		for range rapid.IntRange(1, 8).Draw(rt, "adds") {
			var batch []chat.Message
			for range rapid.IntRange(1, 40).Draw(rt, "batch") {
				at := born.Add(time.Duration(rapid.IntRange(0, 60).Draw(rt, "ms")) * time.Millisecond)
				m := placed(conv, int64(rapid.IntRange(1, 1000).Draw(rt, "n")))
				m.Place = chat.Place{Timestamp: order.TimeUUID(order.TicksOf(at)+order.Ticks(rapid.IntRange(0, 9999).Draw(rt, "ticks")), 0, int64(m.ID[0]))}
				m.CreatedAt = at
				batch = append(batch, m)
			}
			require.NoError(rt, c.Add(t.Context(), conv, batch...))
			model = append(model, batch...)
			slices.SortFunc(model, func(a, b chat.Message) int {
				if d := a.CreatedAt.Compare(b.CreatedAt); d != 0 {
					return d
				}
				if a.Place.Timestamp != b.Place.Timestamp {
					return strings.Compare(sortable(a.Place.Timestamp), sortable(b.Place.Timestamp))
				}
				return strings.Compare(encodeMember(a), encodeMember(b))
			})
			model = slices.Compact(model)
			limit := rapid.IntRange(1, CacheSize).Draw(rt, "limit")
			got, complete, err := c.Newest(t.Context(), conv, limit)
			require.NoError(rt, err)
			require.Equal(rt, len(model) >= limit, complete)
			require.Equal(rt, model[max(0, len(model)-limit):], got)
		}
	})
}
