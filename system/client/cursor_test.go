package client

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
)

// world is a conversation as the system holds it, and a device in front of it.
type world struct {
	cursor
	first, head int64          // visible places
	stored      map[int64]bool // rows that history has
	oldest      time.Duration  // for how long a row has been on its way to storage
	now         time.Time
	shown       []int64
	skips       []span
}

func (w *world) live(seq int64) { w.note(w.take(nil, msg(seq))) }

func (w *world) note(ms []chat.Message) {
	for _, m := range ms {
		w.shown = append(w.shown, m.Place.Seq)
	}
}

// read asks history for a page after the cursor.
func (w *world) read(limit int) {
	var p page
	for seq := w.first; seq <= w.head; seq++ {
		if !w.stored[seq] || !later(stamp(seq), w.at.Timestamp) {
			continue
		}
		if len(p.messages) == limit {
			p.more = true
			break
		}
		p.messages = append(p.messages, msg(seq))
	}
	shown, skipped := w.merge(nil, p, w.now)
	w.note(shown)
	if skipped.to > 0 {
		w.skips = append(w.skips, skipped)
	}
}

// store puts every row into storage.
func (w *world) store() {
	for seq := w.first; seq <= w.head; seq++ {
		w.stored[seq] = true
	}
	w.oldest = 0
}

// TestCursorShowsOnceInOrder drives a cursor with live frames in any order, lost and doubled, and with history that
// has rows late, and demands that the device shows exactly what its user may see, once and in order.
func TestCursorShowsOnceInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &rules{self: self, hole: 10 * time.Second, start: 1500 * time.Millisecond}
		first := rapid.SampledFrom([]int64{1, 1, 5}).Draw(t, "first")
		w := &world{cursor: cursor{rules: r}, first: first, head: first - 1, stored: map[int64]bool{}, now: time.Unix(0, 0)}
		t.Repeat(map[string]func(*rapid.T){
			"place": func(t *rapid.T) {
				w.head++
				if w.oldest == 0 && rapid.Bool().Draw(t, "stored") {
					w.stored[w.head] = true
				}
			},
			"live":    func(t *rapid.T) { w.liveAny(t) },
			"read":    func(t *rapid.T) { w.read(rapid.IntRange(1, 4).Draw(t, "limit")) },
			"name":    func(*rapid.T) { w.know(chat.Position{Seq: max(0, w.head)}) },
			"advance": func(t *rapid.T) { w.advance(time.Duration(rapid.IntRange(0, 1400).Draw(t, "ms")) * time.Millisecond) },
			"":        func(t *rapid.T) { w.check(t) },
		})
		w.settle()
		w.check(t)
		require.Equal(t, int(w.head-w.first+1), len(w.shown))
	})
}

func (w *world) liveAny(t *rapid.T) {
	if w.head >= w.first {
		w.live(rapid.Int64Range(w.first, w.head).Draw(t, "seq"))
	}
}

// advance lets time pass; no row is on its way for as long as a cursor has patience.
func (w *world) advance(d time.Duration) {
	if w.oldest += d; w.oldest >= 1500*time.Millisecond {
		w.store()
	}
	w.now = w.now.Add(d)
}

// settle reads history until nothing is known to be missing, as a device does that keeps trying.
func (w *world) settle() {
	w.store()
	if w.head >= w.first {
		w.know(chat.Position{Seq: w.head})
	}
	for range 1000 {
		if !w.open() {
			return
		}
		w.read(3)
		w.now = w.now.Add(time.Second)
	}
}

func (w *world) check(t *rapid.T) {
	for i, seq := range w.shown {
		require.Equal(t, w.first+int64(i), seq, "shown %v", w.shown)
	}
	for _, s := range w.skips {
		require.Less(t, s.to, w.first, "skipped %v", s)
	}
	bytes := 0
	for seq, m := range w.ahead {
		require.Greater(t, seq, w.at.Seq)
		bytes += size(m)
	}
	require.Equal(t, bytes, w.aheadBytes)
	require.Equal(t, w.newest > w.at.Seq, w.open())
}

// TestCursorIsBounded shows that what does not fit beyond a gap is read from history.
func TestCursorIsBounded(t *testing.T) {
	w := &world{cursor: cursor{rules: &rules{hole: time.Second, start: time.Second}}, first: 1, head: 3000, stored: map[int64]bool{}}
	for seq := int64(2); seq <= w.head; seq++ {
		w.live(seq)
		require.LessOrEqual(t, w.aheadBytes, maxAheadBytes)
	}
	require.Empty(t, w.shown)
	w.settle()
	require.Len(t, w.shown, 3000)
	require.True(t, slices.IsSorted(w.shown))
	require.Zero(t, w.aheadBytes)
}

// TestCursorWithoutSeq demands that each message id is shown once where the write path gives no seq.
func TestCursorWithoutSeq(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := cursor{rules: &rules{}}
		want, got := map[chat.ID]bool{}, map[chat.ID]int{}
		var newest int64
		for _, n := range rapid.SliceOf(rapid.Int64Range(1, 50)).Draw(t, "messages") {
			m := unplaced(n)
			want[m.ID] = true
			newest = max(newest, n)
			for _, s := range c.take(nil, m) {
				got[s.ID]++
			}
		}
		require.Len(t, got, len(want))
		for id, n := range got {
			require.Equal(t, 1, n, "%s", id)
		}
		require.False(t, newest > 0 && later(stamp(newest), c.at.Timestamp))
		require.False(t, c.open())
		require.True(t, c.know(chat.Position{Timestamp: stamp(newest + 1)}))
		require.True(t, c.open())
	})
}

func TestRecentForgetsTheOldest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "n")
		r := newRecent(n)
		var model []chat.ID
		for _, x := range rapid.SliceOf(rapid.Int64Range(0, 20)).Draw(t, "ids") {
			id := stamp(x)
			isNew := !slices.Contains(model, id)
			require.Equal(t, isNew, r.add(id))
			if isNew {
				model = append(model, id)
				model = model[max(0, len(model)-n):]
			}
			require.Len(t, r.set, len(model))
		}
	})
}

func TestLaterIsATotalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) chat.ID {
			id := stamp(rapid.Int64Range(0, 3).Draw(t, name))
			id[15] = byte(rapid.IntRange(0, 2).Draw(t, name+" node"))
			return id
		}
		a, b, c := draw("a"), draw("b"), draw("c")
		require.Equal(t, a != b, later(a, b) != later(b, a))
		if later(a, b) && later(b, c) {
			require.True(t, later(a, c))
		}
		require.True(t, a == chat.ID{} || later(a, chat.ID{}))
	})
}
