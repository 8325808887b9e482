package redis

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
)

// cacheMachine is one conversation: a worker that stores and adds, readers in two processes that read storage
// when they miss, and fill later, and a Redis that evicts.
type cacheMachine struct {
	ctx     context.Context
	caches  []*Cache
	conv    chat.ID
	stored  int64 // the newest seq in storage
	owed    bool  // an Add failed, and its Drop is still to come
	readers []*reader
	now     time.Time
	hits    *int
}

type reader struct {
	cache  *Cache
	page   []chat.Message // what storage said
	missed time.Time
}

func (m *cacheMachine) place(t *rapid.T) {
	if m.owed {
		m.drop(t)
	}
	n := int64(rapid.SampledFrom([]int{1, 1, 1, 2, 30, 120}).Draw(t, "n"))
	m.stored += n
	switch rapid.IntRange(0, 9).Draw(t, "add") {
	case 0:
		m.owed = true // the Add never arrives
	case 1:
		require.NoError(t, m.caches[0].Add(m.ctx, m.conv, placed(m.conv, m.stored)))
		m.owed = n > 1 // only the last arrives
	default:
		require.NoError(t, m.caches[0].Add(m.ctx, m.conv, run(m.conv, m.stored-n+1, m.stored)...))
	}
}

func (m *cacheMachine) drop(t *rapid.T) {
	require.NoError(t, m.caches[0].Drop(m.ctx, m.conv))
	m.owed = false
}

func (m *cacheMachine) zombie(t *rapid.T) {
	if m.stored == 0 {
		return
	}
	from := rapid.Int64Range(1, m.stored).Draw(t, "from")
	to := rapid.Int64Range(from, min(m.stored, from+20)).Draw(t, "to")
	if m.owed && to == m.stored {
		return // then it is no zombie but the lost Add itself
	}
	require.NoError(t, m.caches[0].Add(m.ctx, m.conv, run(m.conv, from, to)...))
}

// read is the property: what the cache calls complete is what storage says.
func (m *cacheMachine) read(t *rapid.T) {
	c := rapid.SampledFrom(m.caches).Draw(t, "process")
	limit := rapid.IntRange(1, 110).Draw(t, "limit")
	glanced, err := c.Glance(m.ctx, []chat.ID{chat.NewID(), m.conv}, limit)
	require.NoError(t, err)
	got, complete, err := c.Newest(m.ctx, m.conv, limit)
	require.NoError(t, err)
	require.Equal(t, onlyComplete(m.conv, got, complete), glanced, "a glance is as complete")
	if len(got) > 0 {
		last := got[len(got)-1].Place.Seq
		require.Equal(t, run(m.conv, last-int64(len(got))+1, last), got, "a run without gaps")
	}
	if !complete {
		m.readers = append(m.readers, &reader{c, run(m.conv, m.stored-CacheSize+1, m.stored), m.now})
		return
	}
	*m.hits++
	if !m.owed {
		require.Equal(t, run(m.conv, m.stored-int64(limit)+1, m.stored), got, "all that storage has")
	}
}

func onlyComplete(conv chat.ID, ms []chat.Message, complete bool) map[chat.ID][]chat.Message {
	if !complete {
		return map[chat.ID][]chat.Message{}
	}
	return map[chat.ID][]chat.Message{conv: ms}
}

func (m *cacheMachine) fill(t *rapid.T) {
	if len(m.readers) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.readers)-1).Draw(t, "reader")
	r := m.readers[i]
	m.readers = append(m.readers[:i], m.readers[i+1:]...)
	if m.now.Sub(r.missed) < readWithin {
		require.NoError(t, r.cache.Fill(m.ctx, m.conv, r.page))
	}
}

// serve is a reader whom nothing interrupts.
func (m *cacheMachine) serve(t *rapid.T) {
	before := len(m.readers)
	m.read(t)
	if len(m.readers) > before {
		r := m.readers[before]
		m.readers = m.readers[:before]
		require.NoError(t, r.cache.Fill(m.ctx, m.conv, r.page))
	}
}

func (m *cacheMachine) evict(t *rapid.T) {
	require.NoError(t, m.caches[0].client.db.FlushDB(m.ctx).Err())
}

func (m *cacheMachine) pass(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(0, 6).Draw(t, "s")) * time.Second)
}

func TestCacheModel(t *testing.T) {
	s := newServer(t)
	if s.mini == nil {
		t.Log("the model flushes the server: it runs on miniredis only")
		return
	}
	hits := 0
	rapid.Check(t, func(rt *rapid.T) {
		m := &cacheMachine{ctx: t.Context(), conv: chat.NewID(), now: born, hits: &hits}
		for range 2 {
			c := NewCache(s.client, 0)
			c.lives.now = func() time.Time { return m.now }
			m.caches = append(m.caches, c)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"place": m.place, "zombie": m.zombie, "read": m.read, "fill": m.fill, "serve": m.serve, "evict": m.evict, "pass": m.pass,
		})
	})
	require.Greater(t, hits, 20, "a cache that never answers would keep every promise")
}
