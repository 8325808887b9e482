package property

import (
	"fmt"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// NoAckedLoss promises that what was acknowledged reaches everybody: each member's device that is connected at the
// deadline has shown it, and the last reading of history of any other device holds it. (That it is in the store is
// DurableInStore.)
func NoAckedLoss() Property {
	return Property{
		Name:    "no-acked-loss",
		Promise: "Every acknowledged message reaches every member's device.",
		New: func(n Names) Checker {
			return &noAckedLoss{evidence{names: n}, ledger.Views{Names: n}}
		},
	}
}

type noAckedLoss struct {
	evidence
	views ledger.Views
}

func (c *noAckedLoss) Observe(e *history.Event) { c.views.Observe(e) }

func (c *noAckedLoss) Verdict() Verdict {
	expected := "every acknowledged message shown by each member's device that is connected at the deadline, and in the last reading of history of the others"
	messages, devices := ledger.Bits{}, map[history.ID]bool{}
	judged := c.views.Missing(func(d ledger.Delivery) {
		messages.Set(c.views.Messages.Number(d.Identity))
		devices[d.Device] = true
		c.add(d.Message.AckedAt, "%v sent %v (seq %v) to %v and it was acknowledged: %v", d.Message.Device, d.Identity, place(d.Message.Seq),
			d.Message.Conversation, c.lack(d))
	})
	switch {
	case c.acked() == 0:
		return unknown(expected, "no send was acknowledged")
	case judged == 0:
		return unknown(expected, "no member's device was connected at the deadline or read history afterwards, or the history ends before")
	case c.breaks == 0:
		return c.verdict(expected, "none of %d deliveries missing", judged)
	}
	return c.verdict(expected, "%d of %d deliveries missing: %s, %s", c.breaks, judged, count(messages.Count(), "message"), count(int64(len(devices)), "device"))
}

func (c *noAckedLoss) lack(d ledger.Delivery) string {
	if d.Connected {
		return fmt.Sprintf("%s, connected at the deadline, never showed it", c.name(d.Device))
	}
	return fmt.Sprintf("the last reading of history by %s lacks it", c.name(d.Device))
}

func (c *noAckedLoss) acked() (n int64) {
	for _, b := range c.views.Books.All {
		n += b.Acked.Count()
	}
	return n
}

// place writes a sequence number that may be missing.
func place(seq int64) string {
	if seq == 0 {
		return "none"
	}
	return fmt.Sprint(seq)
}
