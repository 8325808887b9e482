package property

import (
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// CausalOrder promises that an answer stands behind what it answers: behind all that its device had shown of the
// conversation when it was sent, in the store's order. In which order devices show what is there others judge.
func CausalOrder() Property {
	return Property{
		Name:    "causal-order",
		Promise: "Who answers a message stands behind it.",
		New:     func(n Names) Checker { return &causalOrder{evidence: evidence{names: n}} },
	}
}

type causalOrder struct {
	evidence
	views ledger.Pairs[knowing] // of (device, conversation)
	sent  ledger.Rows[bool]     // by client_msg_id
	store storeOrder
}

// knowing is what one device had shown of a conversation, and what it sent when.
type knowing struct {
	shown []history.ID // identities
	sends []informed
}

// informed is a send whose device had shown so many messages of the conversation.
type informed struct {
	id    history.ID
	shown int32
	at    time.Duration
}

func (c *causalOrder) Observe(e *history.Event) {
	switch e.Kind {
	case history.Shown:
		v := c.views.Of(e.Device, e.Conversation)
		v.shown = append(v.shown, e.Identity())
	case history.Send:
		if first := c.sent.Of(e.ClientMsg); !*first {
			*first = true
			v := c.views.Of(e.Device, e.Conversation)
			v.sends = append(v.sends, informed{e.ClientMsg, int32(len(v.shown)), e.At})
		}
	default:
		c.store.observe(e)
	}
}

func (c *causalOrder) Verdict() Verdict {
	expected := "a message stands behind all that its device had shown of the conversation when it was sent"
	var answers, judged int64
	for n := range c.views.All {
		a, j := c.device(c.views.Keys[n], &c.views.All[n])
		answers, judged = answers+a, judged+j
	}
	switch {
	case answers == 0:
		return unknown(expected, "no device sent anything after it had shown something")
	case judged == 0:
		return unknown(expected, "the store was not read at the end")
	}
	return c.verdict(expected, "%d of %s stand before what they answer", c.breaks, count(judged, "answer"))
}

// device judges what one device sent to one conversation; answers counts what it sent after it had shown something,
// judged those of them that are in the store and have something before them that is.
func (c *causalOrder) device(key ledger.Pair, v *knowing) (answers, judged int64) {
	var high int64 // greatest place among those shown
	var highest history.ID
	seen := int32(0)
	for _, s := range v.sends {
		for ; seen < s.shown; seen++ {
			if at := c.store.order(v.shown[seen]); at > high {
				high, highest = at, v.shown[seen]
			}
		}
		if seen == 0 {
			continue
		}
		answers++
		at := c.store.order(s.id)
		if at == 0 || high == 0 {
			continue
		}
		if judged++; at < high {
			c.add(s.at, "%v sent %v to %v when it had shown %v: row %d comes before row %d", key.A, s.id, key.B, highest, at, high)
		}
	}
	return answers, judged
}
