package property

import (
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// NothingRefusedVisible promises that a send that ended as refused or unsent is nowhere to be seen, unless another
// attempt under the same client_msg_id was acknowledged or may have happened.
func NothingRefusedVisible() Property {
	return Property{
		Name:    "nothing-refused-visible",
		Promise: "What was refused is seen by nobody.",
		New:     func(n Names) Checker { return &nothingRefused{evidence: evidence{names: n}} },
	}
}

type nothingRefused struct {
	evidence
	sends ledger.Rows[refusal] // by client_msg_id
}

type refusal struct {
	sent, refused    bool
	possible         bool // acknowledged, or an attempt may have happened
	visible          history.Kind
	attempts, frames int32
	by, code         history.ID
	at, visibleAt    time.Duration
}

func (c *nothingRefused) Observe(e *history.Event) {
	if e.ClientMsg == 0 {
		return
	}
	switch e.Kind {
	case history.Raw, history.Shown, history.Stored, history.Read:
		if m := c.sends.Of(e.ClientMsg); m.visible == 0 {
			m.visible, m.visibleAt, m.by = e.Kind, e.At, e.Device
		}
	case history.Send:
		c.sends.Of(e.ClientMsg).sent = true
	case history.Attempt:
		c.sends.Of(e.ClientMsg).attempts++
	case history.ErrorFrame:
		m := c.sends.Of(e.ClientMsg)
		m.frames++
		m.possible = m.possible || c.unsure(e.Code)
	case history.Acked, history.Unknown:
		c.sends.Of(e.ClientMsg).possible = true
	case history.Refused, history.Unsent:
		m := c.sends.Of(e.ClientMsg)
		m.refused, m.at, m.code = true, e.At, e.Code
	}
}

// unanswered says whether an attempt got no answer, so that it may have happened. The refusal that ends a send comes as a
// frame too, unless it came by REST.
func (r refusal) unanswered() bool { return r.attempts > max(1, r.frames) }

// unsure says whether a refusal leaves open whether the send happened.
func (c *nothingRefused) unsure(code history.ID) bool {
	switch c.names(code) {
	case "unknown_outcome", "internal":
		return true
	}
	return false
}

func (c *nothingRefused) how(m refusal) string {
	if m.code == 0 {
		return "refused or never left its device"
	}
	return "refused with " + c.name(m.code)
}

func (c *nothingRefused) where(m refusal) string {
	if m.by == 0 {
		return m.visible.String()
	}
	return m.visible.String() + " by " + c.name(m.by)
}

func (c *nothingRefused) Verdict() Verdict {
	expected := "no refused send received, stored or in history"
	var sent, refused int64
	for n, m := range c.sends.All {
		if m.sent {
			sent++
		}
		if !m.refused || m.possible || m.unanswered() {
			continue
		}
		if refused++; m.visible != 0 {
			c.add(m.at, "%v was %v: %v at %v", c.sends.IDs[n], c.how(m), c.where(m), m.visibleAt)
		}
	}
	if sent == 0 {
		return unknown(expected, "nothing was sent")
	}
	return c.verdict(expected, "%d of %s visible", c.breaks, count(refused, "refused send"))
}
