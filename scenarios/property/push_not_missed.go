package property

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// PushNotMissed promises that who is away is notified: each acknowledged message leads, within a time from its
// acknowledgement, to a notification of its conversation on every device of each other member who was away from before
// the send until then. One notification may stand for several messages.
//
// Within is the time for which somebody who looks online is looked at, one in which a conversation keeps quiet after its
// last notification, and what the work takes. It is no promise of every run, because not in every run somebody pushes: a
// run that is asked for it and has no notification breaks it.
func PushNotMissed(within time.Duration) Property {
	return Property{
		Name:    "push-not-missed",
		Promise: "Who is away is notified of every message, by one notification for each or for several of a conversation.",
		New: func(n Names) Checker {
			return &pushNotMissed{pushed: pushed{evidence: evidence{names: n}, views: ledger.Views{Names: n}}, within: within}
		},
	}
}

type pushNotMissed struct {
	pushed
	within time.Duration
	judged int64
}

func (c *pushNotMissed) Observe(e *history.Event) { c.observe(e) }

func (c *pushNotMissed) Verdict() Verdict {
	expected := fmt.Sprintf("a notification within %v of every acknowledged message to who is away", c.within)
	deadline, ended := c.views.Phases.Deadline()
	if !ended {
		return unknown(expected, "the history ends before its deadline")
	}
	for _, at := range c.notices.All {
		slices.Sort(at)
	}
	phones := c.phones()
	for n, spans := range c.views.Members.All {
		member := c.views.Members.Keys[n]
		if book := c.views.Books.Find(member.A); book != nil && len(phones[member.B]) > 0 {
			c.member(book, member, spans, phones[member.B], deadline)
		}
	}
	if c.judged == 0 {
		return unknown(expected, "no message was sent to anybody who stayed away for so long")
	}
	return c.verdict(expected, "%d of %s to devices that were away were not notified of, with %s in all",
		c.breaks, count(c.judged, "message"), count(c.told, "notification"))
}

// member judges what was sent to one user in one conversation.
func (c *pushNotMissed) member(book *ledger.Book, of ledger.Pair, spans []ledger.Span, phones []history.ID, deadline time.Duration) {
	mine := int64(0) // the newest place of what the user sent so far
	for _, number := range book.Messages {
		m := &c.views.Messages.All[number]
		if c.writer(m) == of.B {
			mine = max(mine, m.Seq)
			continue
		}
		due := m.AckedAt + c.within
		if !m.Acked || due > deadline || !ledger.Sees(spans, m.Seq) || !c.links.away(phones, m.SentAt, due) {
			continue
		}
		if m.Seq > 0 && mine > m.Seq { // who writes has read what stands before, and had sent this when it went
			continue
		}
		for _, d := range phones {
			if c.judged++; !c.notified(d, of.A, m.SentAt, due) {
				c.add(m.AckedAt, "%v was sent to %v, away all the time: %v was not notified within %v", c.views.Messages.IDs[number], of.A, d, c.within)
			}
		}
	}
}

func (c *pushNotMissed) notified(device, conversation history.ID, from, to time.Duration) bool {
	at := c.notices.Find(device, conversation)
	if at == nil {
		return false
	}
	i := sort.Search(len(*at), func(i int) bool { return (*at)[i] >= from })
	return i < len(*at) && (*at)[i] <= to
}
