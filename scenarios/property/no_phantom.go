package property

import (
	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// NoPhantom promises that nobody sees and no store holds what no device sent, or what it sent elsewhere or under
// another name. Messages that the system writes itself (their Text names a type) are not judged.
func NoPhantom() Property {
	return Property{
		Name:    "no-phantom",
		Promise: "Nothing is received or stored that nobody sent.",
		New: func(n Names) Checker {
			return &noPhantom{evidence: evidence{names: n}, pending: make(map[history.ID]history.Event)}
		},
	}
}

type noPhantom struct {
	evidence
	sends     ledger.Rows[origin] // by client_msg_id
	sightings int64
	pending   map[history.ID]history.Event // the first sighting of what has not been sent so far
}

type origin struct{ sender, conversation history.ID }

func (c *noPhantom) Observe(e *history.Event) {
	switch {
	case e.Kind == history.Send:
		*c.sends.Of(e.ClientMsg) = origin{e.Sender, e.Conversation}
	case e.Kind.Sighting() && e.Text == 0:
		c.sightings++
		c.sighting(e)
	}
}

func (c *noPhantom) sighting(e *history.Event) {
	sent := c.sends.Find(e.ClientMsg)
	switch {
	case sent == nil:
		if _, ok := c.pending[e.Identity()]; !ok {
			c.pending[e.Identity()] = *e
		}
	case e.Conversation != sent.conversation:
		c.event(e, "it was sent to %v", sent.conversation)
	case e.Sender != sent.sender:
		c.event(e, "it was sent by %v", sent.sender)
	}
}

func (c *noPhantom) Verdict() Verdict {
	expected := "every message that is received or stored was sent by its sender to its conversation"
	for _, e := range inOrder(c.pending) {
		if sent := c.sends.Find(e.ClientMsg); sent != nil { // the send was recorded late
			c.sighting(&e)
			continue
		}
		c.event(&e, "nobody sent it")
	}
	if c.sightings == 0 {
		return unknown(expected, "nothing was received or stored")
	}
	return c.verdict(expected, "%d phantoms in %s", c.breaks, count(c.sightings, "sighting"))
}
