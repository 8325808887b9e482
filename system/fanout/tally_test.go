package fanout

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/wire"
)

func user(n int) chat.ID { return chat.ID{byte(n), byte(n >> 8), 1} }

func userIDs(n int) []chat.ID {
	out := make([]chat.ID, n)
	for i := range out {
		out[i] = user(i)
	}
	return out
}

func placesTo(last int64, senders int) (out []order.Row) {
	for seq := max(1, last-receiptPlaces+1); seq <= last; seq++ {
		out = append(out, order.Row{Seq: seq, Sender: user(int(seq) % senders)})
	}
	return out
}

func says(kind string, users []chat.ID, seq func(i int) int64) wire.ReceiptRecord {
	r := wire.ReceiptRecord{ConversationID: chat.ID{1}, Status: kind, Timestamp: time.Unix(0, 0)}
	for i, u := range users {
		r.Recipients = append(r.Recipients, wire.ReceiptCursor{RecipientID: u, Device: "phone", Seq: seq(i)})
	}
	return r
}

// Whatever records come, frames are grounded: no place beyond those stored, no count above the members or below an
// earlier one, at most so many points in order, and after the last record every sender was told the final counts.
func TestFramesAreGroundedAndMonotone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		members := userIDs(rapid.IntRange(2, 30).Draw(rt, "members"))
		last := rapid.Int64Range(1, 60).Draw(rt, "places")
		places := placesTo(last, len(members))
		c := &tally{id: chat.ID{1}, progress: chat.Progress{}}
		seen := map[int64]wire.Receipt{}
		final := map[chat.ID]wire.Receipt{}
		tell := func() {
			if !c.moved() {
				return
			}
			f, senders := c.frame(places, members)
			c.low, c.high = 0, 0
			require.LessOrEqual(rt, len(f.Receipts), receiptPoints)
			before := int64(0)
			for _, r := range f.Receipts {
				require.Greater(rt, r.Seq, before)
				require.LessOrEqual(rt, r.Seq, last)
				require.LessOrEqual(rt, r.Delivered, f.Members)
				require.LessOrEqual(rt, r.Read, r.Delivered)
				require.GreaterOrEqual(rt, r.Delivered, seen[r.Seq].Delivered)
				require.GreaterOrEqual(rt, r.Read, seen[r.Seq].Read)
				seen[r.Seq], before = r, r.Seq
			}
			for _, s := range senders {
				final[s] = f.Receipts[len(f.Receipts)-1]
			}
		}
		for range rapid.IntRange(1, 20).Draw(rt, "records") {
			kind := rapid.SampledFrom([]string{chat.Delivered, chat.Read}).Draw(rt, "kind")
			who := rapid.SliceOfN(rapid.SampledFrom(members), 1, 5).Draw(rt, "who")
			c.note(says(kind, who, func(int) int64 { return rapid.Int64Range(1, last).Draw(rt, "seq") }))
			if rapid.Bool().Draw(rt, "tell") {
				tell()
			}
		}
		tell()
		c.note(says(chat.Read, members, func(int) int64 { return last }))
		tell()
		for s, r := range final {
			if s == places[len(places)-1].Sender {
				require.Equal(rt, wire.Receipt{Seq: last, Delivered: len(members) - 1, Read: len(members) - 1}, r)
			}
		}
	})
}

// A cursor stands in the table before its record is read: whoever begins with the table tells of it.
func TestCursorsAheadOfTheirRecordsAreTold(t *testing.T) {
	members := userIDs(3)
	first, later := says(chat.Delivered, members[1:2], func(int) int64 { return 3 }), says(chat.Delivered, members[2:], func(int) int64 { return 5 })
	c := &tally{id: chat.ID{1}}
	c.note(first)
	var table []chat.Cursor
	for _, r := range append(first.Recipients, later.Recipients...) {
		table = append(table, chat.Cursor{User: r.RecipientID, Device: r.Device, Kind: chat.Delivered, Position: chat.Position{Seq: r.Seq}})
	}
	c.begin(table)
	c.note(later)
	f, _ := c.frame(placesTo(6, 1), members)
	require.Equal(t, []wire.Receipt{{Seq: 3, Delivered: 2}, {Seq: 5, Delivered: 1}}, f.Receipts)
}

func TestWhoHasLeftIsNeitherCountedNorTold(t *testing.T) {
	all := userIDs(4)
	c := &tally{id: chat.ID{1}, progress: chat.Progress{}}
	c.note(says(chat.Delivered, all, func(int) int64 { return 8 }))
	f, senders := c.frame(placesTo(8, 4), all[1:])
	require.Equal(t, all[1:], sorted(senders))
	require.Equal(t, 2, f.Members)
	newest := f.Receipts[len(f.Receipts)-1]
	require.Equal(t, wire.Receipt{Seq: 7, Delivered: 2}, newest, "the eighth is of one who has left")
}

func sorted(ids []chat.ID) []chat.ID {
	out := userIDs(4)
	n := 0
	for _, u := range out {
		for _, id := range ids {
			if id == u {
				out[n] = u
				n++
			}
		}
	}
	return out[:n]
}

// viral is a second of a group of 500 at 100 messages/s: everybody's cursor moves, and none is where another is.
func viral(c *tally, members []chat.ID, second int64) {
	c.note(says(chat.Delivered, members, func(i int) int64 { return max(1, 100*second-int64(i%150)) }))
}

func TestCostOfASecondInAViralGroup(t *testing.T) {
	members := userIDs(chat.MaxMembers)
	c := &tally{id: chat.ID{1}, progress: chat.Progress{}}
	viral(c, members, 10)
	_, _ = c.frame(placesTo(1000, len(members)), members)
	c.low, c.high = 0, 0
	viral(c, members, 11)
	f, senders := c.frame(placesTo(1100, len(members)), members)
	bytes := len(wire.Encode(f))
	t.Logf("%d senders are told, %d points in %d bytes", len(senders), len(f.Receipts), bytes)
	require.LessOrEqual(t, len(senders), chat.MaxMembers)
	require.LessOrEqual(t, len(f.Receipts), receiptPoints)
	require.Less(t, bytes, 1000)
}

func BenchmarkViralSecond(b *testing.B) {
	members := userIDs(chat.MaxMembers)
	c := &tally{id: chat.ID{1}, progress: chat.Progress{}}
	for i := range b.N {
		second := int64(i + 10)
		viral(c, members, second)
		_, _ = c.frame(placesTo(100*second, len(members)), members)
		c.low, c.high = 0, 0
	}
}
