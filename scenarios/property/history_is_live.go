package property

import (
	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// HistoryIsLive promises that what was shown live and what history tells are the same: what a device showed is a row
// of the store, what is a row was shown by each member's device that is connected at the deadline, and the last reading
// of history holds exactly the rows that the member may see, in the store's order.
func HistoryIsLive() Property {
	return Property{
		Name:    "history-is-live",
		Promise: "History holds exactly what was shown live.",
		New: func(n Names) Checker {
			return &historyIsLive{evidence: evidence{names: n}, views: ledger.Views{Names: n}}
		},
	}
}

type historyIsLive struct {
	evidence
	views    ledger.Views
	readings ledger.Pairs[[]int32] // of (device, conversation): rows of views.Messages as they were read
	judged   int64                 // comparisons of one message in two views
}

func (c *historyIsLive) Observe(e *history.Event) {
	c.views.Observe(e)
	if e.Kind == history.Read {
		list := c.readings.Of(e.Device, e.Conversation)
		*list = append(*list, c.views.Messages.Number(e.Identity()))
	}
}

func (c *historyIsLive) Verdict() Verdict {
	expected := "shown, stored and read in history: the same messages in the same order"
	read := 0
	c.views.Complete()
	for n := range c.views.Views.All {
		key := c.views.Views.Keys[n]
		if book := c.views.Books.Of(key.B); book.StoreRead {
			read++
			c.judge(key.A, key.B, book, &c.views.Views.All[n])
		}
	}
	if read == 0 {
		return unknown(expected, "the store was not read at the end, or there are no members")
	}
	return c.verdict(expected, "%s in %s", count(c.breaks, "difference"), count(c.judged, "comparison"))
}

func (c *historyIsLive) judge(device, conversation history.ID, book *ledger.Book, view *ledger.View) {
	c.judged += view.Shown.Count()
	view.Shown.Without(book.Stored, func(local int32) {
		c.message(book, local, "%v showed %v of %v: the store has no row of it", device, conversation)
	})
	d := *c.views.Devices.Of(device)
	spans := c.views.Members.Find(conversation, d.Owner)
	if spans == nil {
		return
	}
	if d.Connected && c.views.Devices.Ended() {
		c.judged += book.Stored.Count()
		book.Stored.Without(view.Shown, func(local int32) {
			if m := c.at(book, local); m.Sent && m.SentAt >= d.First && ledger.Sees(*spans, m.Seq) {
				c.message(book, local, "%v, connected at the deadline, never showed %v of %v, which is in the store", device, conversation)
			}
		})
	}
	if view.ReadDone {
		c.reading(device, conversation, book, view, *spans)
	}
}

// reading compares a device's last reading of history with the store.
func (c *historyIsLive) reading(device, conversation history.ID, book *ledger.Book, view *ledger.View, spans []ledger.Span) {
	c.judged += book.Stored.Count()
	book.Stored.Without(view.Read, func(local int32) {
		if ledger.Sees(spans, c.at(book, local).Seq) {
			c.message(book, local, "the last reading of history by %v lacks %v of %v, which is in the store", device, conversation)
		}
	})
	view.Read.Without(book.Stored, func(local int32) {
		c.message(book, local, "the last reading of history by %v has %v of %v: the store has no row of it", device, conversation)
	})
	last := int64(0)
	for _, n := range *c.readings.Of(device, conversation) {
		m := c.views.Messages.All[n]
		if m.Order != 0 && m.Order <= last {
			c.add(m.SentAt, "the last reading of history by %v has %v of %v, row %d of the store, after row %d", device, c.views.Messages.IDs[n], conversation, m.Order, last)
		}
		last = max(last, m.Order)
	}
}

func (c *historyIsLive) at(book *ledger.Book, local int32) *ledger.Message {
	return &c.views.Messages.All[book.Messages[local]]
}

// message notes a break that tells of a device, a message and a conversation, in this order.
func (c *historyIsLive) message(book *ledger.Book, local int32, format string, device, conversation history.ID) {
	c.add(c.at(book, local).SentAt, format, device, c.views.Messages.IDs[book.Messages[local]], conversation)
}
