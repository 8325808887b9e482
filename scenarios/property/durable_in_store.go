package property

import (
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// DurableInStore promises that what was acknowledged is a row of the store at the end.
func DurableInStore() Property {
	return Property{
		Name:    "durable-in-store",
		Promise: "Every acknowledged message is in the store at the end.",
		New:     func(n Names) Checker { return &durable{evidence: evidence{names: n}} },
	}
}

type durable struct {
	evidence
	messages ledger.Rows[fate] // by client_msg_id
	read     ledger.Rows[bool] // by conversation: the store was read
}

type fate struct {
	conversation, device history.ID
	acked, stored        bool
	at                   time.Duration // of the acknowledgement
}

func (c *durable) Observe(e *history.Event) {
	switch e.Kind {
	case history.Send:
		m := c.messages.Of(e.ClientMsg)
		m.conversation, m.device = e.Conversation, e.Device
	case history.Acked:
		m := c.messages.Of(e.ClientMsg)
		m.acked, m.at = true, e.At
	case history.Stored:
		c.messages.Of(e.Identity()).stored = true
	case history.StoreRead:
		*c.read.Of(e.Conversation) = true
	}
}

func (c *durable) Verdict() Verdict {
	expected := "a row in the store for every acknowledged message"
	var acked, judged int64
	for n, m := range c.messages.All {
		if !m.acked {
			continue
		}
		acked++
		if read := c.read.Find(m.conversation); read == nil || !*read {
			continue
		}
		if judged++; !m.stored {
			c.add(m.at, "%v of %v in %v was acknowledged: the store has no row of it", c.messages.IDs[n], m.device, m.conversation)
		}
	}
	switch {
	case acked == 0:
		return unknown(expected, "no send was acknowledged")
	case judged == 0:
		return unknown(expected, "the store was not read at the end")
	}
	return c.verdict(expected, "%d of %s have no row", c.breaks, count(judged, "acknowledged message"))
}
