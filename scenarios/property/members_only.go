package property

import (
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// MembersOnly promises that nobody is sent, shown or read a message of a conversation that they were not in at its
// place. What a device hides does not count for it: a frame that reached a stranger's device has told its secret.
// Messages without a place are judged only against who was never a member.
func MembersOnly() Property {
	return Property{
		Name:    "members-only",
		Promise: "Nobody gets a message of a conversation that they were not in at its place.",
		New:     func(n Names) Checker { return &membersOnly{evidence: evidence{names: n}} },
	}
}

type membersOnly struct {
	evidence
	devices  ledger.Devices
	members  ledger.Members
	known    ledger.Rows[bool] // conversations of which the history says who is in them
	newest   ledger.Pairs[sighted]
	suspects []sighted
	seen     int64
}

// sighted is one message that reached a device.
type sighted struct {
	at                   time.Duration
	device, conversation history.ID
	seq                  int64
	kind                 history.Kind
}

func (c *membersOnly) Observe(e *history.Event) {
	switch e.Kind {
	case history.Raw, history.Shown, history.Read:
		c.see(e)
	case history.Joined:
		*c.known.Of(e.Conversation) = true
		c.members.Observe(e)
	default:
		c.devices.Observe(e, c.names)
		c.members.Observe(e)
	}
}

// see keeps what has to be judged at the end, when all changes of members are known: a frame and the word of a removal
// that stands before it reach the lab from different devices, in any order. What is allowed now can only become wrong
// by a removal, and then the newest place is wrong too.
func (c *membersOnly) see(e *history.Event) {
	c.seen++
	s := sighted{e.At, e.Device, e.Conversation, e.Seq, e.Kind}
	if !c.allowed(s) {
		c.suspects = append(c.suspects, s)
		return
	}
	if newest := c.newest.Of(e.Device, e.Conversation); newest.seq <= s.seq {
		*newest = s
	}
}

// allowed says whether the device's owner may see the message, as far as the history has come.
func (c *membersOnly) allowed(s sighted) bool {
	device := c.devices.Find(s.device)
	if device == nil || c.known.Find(s.conversation) == nil {
		return true
	}
	spans := c.members.Find(s.conversation, device.Owner)
	return spans != nil && (s.seq == 0 || ledger.Sees(*spans, s.seq))
}

func (c *membersOnly) Verdict() Verdict {
	for _, s := range append(c.suspects, c.newest.All...) {
		if !c.allowed(s) {
			c.add(s.at, "%v: seq %v of %v on %v, whose owner was not in it there", s.kind.String(), s.seq, s.conversation, s.device)
		}
	}
	expected := "every message that is sent to a device, shown or read falls into its owner's membership"
	if c.seen == 0 || len(c.known.All) == 0 {
		return unknown(expected, "no device got anything, or nothing is known of who is in what")
	}
	return c.verdict(expected, "%d of %d messages received, shown or read belong to somebody else", c.breaks, c.seen)
}
