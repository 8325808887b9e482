package property

import (
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// HonestRefusals promises that every refusal has a code, and says when to retry where that helps; that a device that is
// told of a limit is told when it ends; and that each send ends in exactly one outcome. (What
// is still open at the deadline, the lab ends as unknown; some of that may be recorded just after the deadline.)
func HonestRefusals() Property {
	return Property{
		Name:    "honest-refusals",
		Promise: "Every refusal says so and when to retry, and no send is left without an answer.",
		New:     func(n Names) Checker { return &honestRefusals{evidence: evidence{names: n}} },
	}
}

type honestRefusals struct {
	evidence
	sends    ledger.Rows[ending] // by client_msg_id
	refusals int64
	late     ledger.Rows[bool] // by code: it must say when to retry
	ended    bool              // the deadline has passed
}

// ending is how a send ended. The same client_msg_id may be sent again after an outcome: that is one send more.
type ending struct {
	device          history.ID
	sends, outcomes int32
	at              time.Duration
}

func (c *honestRefusals) Observe(e *history.Event) {
	switch {
	case e.Kind == history.Phase:
		c.ended = c.ended || c.names(e.Text) == ledger.End
	case e.Kind == history.Send:
		s := c.sends.Of(e.ClientMsg)
		s.device, s.at = e.Device, e.At
		s.sends++
	case e.Kind.Outcome():
		c.outcome(e)
	}
	switch e.Kind {
	case history.Refused, history.ErrorFrame:
		c.refusal(e)
	case history.Throttled:
		if c.refusals++; e.RetryAfter <= 0 {
			c.event(e, "it does not say when to retry")
		}
	}
}

func (c *honestRefusals) outcome(e *history.Event) {
	s := c.sends.Of(e.ClientMsg)
	if s.outcomes++; s.outcomes > s.sends {
		c.event(e, "an outcome more than there were sends")
	}
}

func (c *honestRefusals) refusal(e *history.Event) {
	c.refusals++
	switch {
	case e.Code == 0:
		c.event(e, "it has no code")
	case e.RetryAfter <= 0 && c.mustTell(e.Code):
		c.event(e, "it does not say when to retry")
	}
}

// mustTell says whether a refusal with this code must say when to retry.
func (c *honestRefusals) mustTell(code history.ID) bool {
	if must := c.late.Find(code); must != nil {
		return *must
	}
	must := tellsWhen(c.names(code))
	*c.late.Of(code) = must
	return must
}

// tellsWhen is true for the codes whose answer is "after retry_after_ms".
func tellsWhen(code string) bool {
	switch code {
	case "user_rate_limited", "group_rate_limited", "server_rate_limited", "session_rate_limited", "address_rate_limited", "unavailable":
		return true
	}
	return false
}

func (c *honestRefusals) Verdict() Verdict {
	expected := "a code with every refusal, a time to retry where it helps, and one outcome for every send"
	var open, sends int64
	for n, s := range c.sends.All {
		sends += int64(s.sends)
		if s.outcomes >= s.sends {
			continue
		}
		open++
		if c.ended {
			c.add(s.at, "%v sent %v and never learned what became of it", s.device, c.sends.IDs[n])
		}
	}
	switch {
	case sends == 0:
		return unknown(expected, "nothing was sent")
	case open > 0 && !c.ended && c.breaks == 0:
		return unknown(expected, "%s open where the history ends, before the deadline", count(open, "send"))
	}
	return c.verdict(expected, "%s, %s, %s", count(sends, "send"), count(c.refusals, "refusal"), count(c.breaks, "break"))
}
