package order_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

// logOf draws a partition's log of one conversation: times that jump both ways, retries of earlier sends.
func logOf(t *rapid.T) []order.Record {
	n := rapid.IntRange(1, 60).Draw(t, "records")
	base := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	log := make([]order.Record, n)
	for i := range log {
		log[i] = order.Record{Partition: 3, Offset: int64(i * 2), Sender: chat.ID{1}, ClientMsgID: chat.ID{byte(i), 7}}
		base = base.Add(time.Duration(rapid.IntRange(-2000, 120_000).Draw(t, "step ms")) * time.Millisecond)
		log[i].Time = base
		if i > 0 && rapid.IntRange(0, 3).Draw(t, "retry") == 0 {
			log[i].ClientMsgID = log[rapid.IntRange(max(0, i-4), i-1).Draw(t, "of")].ClientMsgID
		}
	}
	return log
}

// store is what Cassandra keeps: rows by timestamp, written again with the same values or never.
type store map[chat.ID]order.Row

func (s store) put(t require.TestingT, r order.Record, p chat.Place) {
	row := order.Row{Timestamp: p.Timestamp, Seq: p.Seq, Offset: p.Offset, Sender: r.Sender, ClientMsgID: r.ClientMsgID}
	if old, ok := s[p.Timestamp]; ok {
		require.Equal(t, old, row, "a row was written twice with different values")
	}
	s[p.Timestamp] = row
}

func (s store) newestFirst() []order.Row {
	rows := make([]order.Row, 0, len(s))
	for _, r := range s {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b order.Row) int {
		return int(order.TicksOfUUID(b.Timestamp) - order.TicksOfUUID(a.Timestamp))
	})
	return rows
}

func (s store) recover(offset int64) *order.State {
	r := order.Recover(offset)
	for _, row := range s.newestFirst() {
		if !r.Add(row) {
			break
		}
	}
	return r.State()
}

type worker struct {
	state *order.State
	next  int // index into the log
}

// Any crash, replay or zombie writes the same rows: several workers run over one log at any pace, restart from a
// commit that may go back, and the rows are those of one worker that ran straight through.
func TestPlacesArePureFunctionOfPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := logOf(t)
		want := store{}
		straight := &order.State{}
		for _, r := range log {
			p, repeat, err := straight.Place(r)
			require.NoError(t, err)
			if !repeat {
				want.put(t, r, p)
			}
		}
		got, committed := store{}, 0
		workers := []*worker{{state: &order.State{}}}
		step := func(w *worker) {
			if w.next >= len(log) {
				return
			}
			p, repeat, err := w.state.Place(log[w.next])
			require.NoError(t, err)
			if !repeat {
				got.put(t, log[w.next], p)
			}
			w.next++
			if w.next > committed {
				committed = rapid.IntRange(committed, w.next).Draw(t, "commit")
			}
		}
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "takeover") == 0 {
				from := rapid.IntRange(0, committed).Draw(t, "from") // commits are unfenced: they may go back
				workers = append(workers, &worker{got.recover(log[min(from, len(log)-1)].Offset), from})
			}
			step(workers[rapid.IntRange(0, len(workers)-1).Draw(t, "worker")])
		}
		last := &worker{got.recover(log[min(committed, len(log)-1)].Offset), committed}
		for last.next < len(log) {
			step(last)
		}
		require.Equal(t, want, got)
		rows := got.newestFirst()
		for i, r := range rows {
			require.EqualValues(t, len(rows)-i, r.Seq, "seq is dense")
		}
	})
}

func TestRepeatInsideTheWindowTakesNoSecondPlace(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var s order.State
	_, repeat, err := s.Place(order.Record{Offset: 1, Time: at, ClientMsgID: chat.ID{1}})
	require.NoError(t, err)
	require.False(t, repeat)
	_, _, err = s.Place(order.Record{Offset: 2, Time: at.Add(order.Window), ClientMsgID: chat.ID{2}})
	require.NoError(t, err)
	_, repeat, err = s.Place(order.Record{Offset: 3, Time: at.Add(order.Window), ClientMsgID: chat.ID{1}})
	require.NoError(t, err)
	require.True(t, repeat, "the window's edge still counts")
}

func TestRecordBeforeThePrefixIsRefused(t *testing.T) {
	s := order.Recover(10).State()
	_, _, err := s.Place(order.Record{Offset: 9})
	require.ErrorIs(t, err, order.ErrPast)
}

func TestTimeUUID(t *testing.T) {
	at := time.Date(2026, 11, 24, 15, 6, 7, 123_456_700, time.UTC)
	id := order.TimeUUID(order.TicksOf(at), 23, 1<<40+5)
	require.EqualValues(t, 1, id.Version())
	require.Equal(t, uuid.RFC4122, id.Variant())
	require.Equal(t, at, order.TicksOfUUID(id).Time())
	sec, nsec := id.Time().UnixTime()
	require.Equal(t, at, time.Unix(sec, nsec).UTC(), "the library reads the same time")
	require.Less(t, order.TicksOfUUID(order.First()), order.TicksOfUUID(id))
}

func BenchmarkPlace(b *testing.B) {
	var s order.State
	r := order.Record{Sender: chat.NewID(), Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	b.ReportAllocs()
	for i := range b.N {
		r.Offset = int64(i)
		r.Time = r.Time.Add(10 * time.Millisecond) // 100 messages/s: the window holds 90,000
		r.ClientMsgID[0], r.ClientMsgID[1], r.ClientMsgID[2], r.ClientMsgID[3] = byte(i), byte(i>>8), byte(i>>16), byte(i>>24)
		if _, _, err := s.Place(r); err != nil {
			b.Fatal(err)
		}
	}
}
