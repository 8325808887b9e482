package property

import (
	"cmp"
	"slices"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// AckOrder promises that what was acknowledged has its place: whatever anybody sends after that comes behind it, in the
// store's order. Sends that were in flight together are not ordered.
//
// The times decide and not the lines: a device notes a send before its frame goes out and an acknowledgement after it
// has come, but the lines of two devices may stand the other way round.
func AckOrder() Property {
	return Property{
		Name:    "ack-order",
		Promise: "Whatever is sent after a message was acknowledged, by anybody, comes behind it.",
		New:     func(n Names) Checker { return &ackOrder{evidence: evidence{names: n}} },
	}
}

type ackOrder struct {
	evidence
	sends ledger.Rows[history.ID] // conversation by client_msg_id
	rooms ledger.Rows[[]moment]   // by conversation
	store storeOrder
}

// moment is when a message was sent, or acknowledged.
type moment struct {
	at    time.Duration
	send  int32 // row in sends
	acked bool
}

func (c *ackOrder) Observe(e *history.Event) {
	switch e.Kind {
	case history.Send:
		n := c.sends.Number(e.ClientMsg)
		if c.sends.All[n] == 0 {
			c.sends.All[n] = e.Conversation
			c.note(e, n, false)
		}
	case history.Acked:
		if n := c.sends.Number(e.ClientMsg); c.sends.All[n] != 0 {
			c.note(e, n, true)
		}
	default:
		c.store.observe(e)
	}
}

func (c *ackOrder) note(e *history.Event, send int32, acked bool) {
	room := c.rooms.Of(c.sends.All[send])
	*room = append(*room, moment{e.At, send, acked})
}

func (c *ackOrder) Verdict() Verdict {
	expected := "a message sent after the acknowledgement of another comes behind it in the store"
	var pairs, judged int64
	for n, moments := range c.rooms.All {
		p, j := c.room(c.rooms.IDs[n], moments)
		pairs, judged = pairs+p, judged+j
	}
	switch {
	case pairs == 0:
		return unknown(expected, "nobody sent anything after an acknowledgement")
	case judged == 0:
		return unknown(expected, "the store was not read at the end")
	}
	return c.verdict(expected, "%d of %s out of order", c.breaks, count(judged, "message sent after an acknowledged one"))
}

// room judges one conversation; pairs counts the messages that were sent after an acknowledgement, judged those of them
// whose places are known. What happened in the same moment is not ordered, so that sends go first.
func (c *ackOrder) room(conversation history.ID, moments []moment) (pairs, judged int64) {
	slices.SortStableFunc(moments, func(a, b moment) int { return cmp.Or(cmp.Compare(a.at, b.at), later(a, b)) })
	var acked bool
	var high int64 // greatest place acknowledged so far
	var highest int32
	for _, m := range moments {
		at := c.store.order(c.sends.IDs[m.send])
		switch {
		case m.acked:
			acked = true
			if at > high {
				high, highest = at, m.send
			}
			continue
		case !acked:
			continue
		}
		if pairs++; at == 0 || high == 0 {
			continue
		}
		if judged++; at < high {
			c.add(m.at, "%v was sent to %v after %v was acknowledged: row %d comes before row %d",
				c.sends.IDs[m.send], conversation, c.sends.IDs[highest], at, high)
		}
	}
	return pairs, judged
}

// later puts acknowledgements behind sends.
func later(a, b moment) int {
	switch {
	case a.acked == b.acked:
		return 0
	case a.acked:
		return 1
	}
	return -1
}
