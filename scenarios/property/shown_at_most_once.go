package property

import (
	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// ShownAtMostOnce promises that no device shows a message twice, whatever the system repeats. Repeated frames that a
// device hides are counted in what was observed; RawAtMostOnce judges them.
func ShownAtMostOnce() Property {
	return Property{
		Name:    "shown-at-most-once",
		Promise: "No device shows a message twice.",
		New:     func(n Names) Checker { return &atMostOnce{evidence: evidence{names: n}, kind: history.Shown} },
	}
}

// RawAtMostOnce says that the system sends no message twice to a device. The system promises at least once, so this is
// a question that a scenario may ask, not a promise.
func RawAtMostOnce() Property {
	return Property{
		Name:    "raw-at-most-once",
		Promise: "No device is sent a message twice.",
		New:     func(n Names) Checker { return &atMostOnce{evidence: evidence{names: n}, kind: history.Raw} },
	}
}

type atMostOnce struct {
	evidence
	kind     history.Kind // that must not repeat
	messages numbering
	seen     ledger.Pairs[sight] // of (device, conversation)
	raw      tally
	shown    tally
}

// sight is what a device received and showed of a conversation, by local number.
type sight struct{ raw, shown ledger.Bits }

type tally struct{ all, repeated int64 }

func (c *atMostOnce) Observe(e *history.Event) {
	if e.Kind != history.Raw && e.Kind != history.Shown {
		return
	}
	local, ok := c.messages.local(e)
	if !ok {
		return
	}
	set, tally := &c.seen.Of(e.Device, e.Conversation).raw, &c.raw
	if e.Kind == history.Shown {
		set, tally = &c.seen.Of(e.Device, e.Conversation).shown, &c.shown
	}
	tally.all++
	if set.Set(local) {
		tally.repeated++
		if e.Kind == c.kind {
			c.event(e, "for the second time")
		}
	}
}

func (c *atMostOnce) Verdict() Verdict {
	expected := "each message " + c.kind.String() + " at most once on each device"
	if (c.kind == history.Shown && c.shown.all == 0) || (c.kind == history.Raw && c.raw.all == 0) {
		return unknown(expected, "no device got anything")
	}
	return c.verdict(expected, "%d repeats in %s; %d repeats in %s", c.shown.repeated, count(c.shown.all, "message shown"), c.raw.repeated, count(c.raw.all, "frame received"))
}

// numbering gives messages small numbers within their conversation.
type numbering struct {
	messages ledger.Rows[numbered] // by identity
	next     ledger.Rows[int32]    // by conversation
}

type numbered struct {
	conversation history.ID
	local        int32
}

// local is the number of a sighting's message; false if it is known from another conversation.
func (n *numbering) local(e *history.Event) (int32, bool) {
	m := n.messages.Of(e.Identity())
	if m.conversation == 0 {
		next := n.next.Of(e.Conversation)
		m.conversation, m.local = e.Conversation, *next
		*next++
	}
	return m.local, m.conversation == e.Conversation
}
