package property

import (
	"cmp"
	"slices"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// PushNotSpurious promises that nobody is notified without a reason. A reason is a message of another member that no
// device of the user has confirmed: what a device shows is confirmed when it has been connected for the time of a
// receipt since. Of who is connected, a message is no reason before hold has passed since it was sent.
//
// It is no promise of every run, because not in every run somebody pushes.
func PushNotSpurious(hold, receipt time.Duration) Property {
	return Property{
		Name:    "push-not-spurious",
		Promise: "Nobody is notified of what is on the screen, nor of what is still on its way to a device that is connected.",
		New: func(n Names) Checker {
			return &pushNotSpurious{pushed: pushed{evidence: evidence{names: n}, views: ledger.Views{Names: n}}, hold: hold, receipt: receipt}
		},
	}
}

type pushNotSpurious struct {
	pushed
	hold, receipt time.Duration
	shows         ledger.Pairs[[]show] // of (device, conversation)
	unmade        ledger.Rows[bool]    // by client_msg_id: the send did not happen
}

// show is when a device showed a message first.
type show struct {
	local  int32 // its number in the conversation
	device history.ID
	at     time.Duration
}

// reason is a time in which a message is a reason to notify.
type reason struct{ from, to time.Duration }

func (c *pushNotSpurious) Observe(e *history.Event) {
	c.observe(e)
	switch e.Kind {
	case history.Refused, history.Unsent:
		*c.unmade.Of(e.ClientMsg) = true
	case history.Shown:
		if m := c.views.Fresh; m != nil {
			all := c.shows.Of(e.Device, e.Conversation)
			*all = append(*all, show{m.Local, e.Device, e.At})
		}
	}
}

func (c *pushNotSpurious) Verdict() Verdict {
	expected := "no notification without a message that is not confirmed"
	if c.told == 0 {
		return unknown(expected, "nobody was notified")
	}
	phones := c.phones()
	for n, at := range c.notices.All {
		c.judge(c.notices.Keys[n], at, phones)
	}
	return c.verdict(expected, "%d of %s had no reason", c.breaks, count(c.told, "notification"))
}

// judge holds the notifications of a device in a conversation against their reasons.
func (c *pushNotSpurious) judge(of ledger.Pair, notices []time.Duration, phones map[history.ID][]history.ID) {
	slices.Sort(notices)
	reasons := c.reasons(of.A, of.B, phones)
	slices.SortFunc(reasons, func(a, b reason) int { return cmp.Compare(a.from, b.from) })
	last := time.Duration(0) // until when one of those holds that have begun
	for _, at := range notices {
		for len(reasons) > 0 && reasons[0].from <= at {
			last = max(last, reasons[0].to)
			reasons = reasons[1:]
		}
		if last <= at {
			c.add(at, "%v was notified of %v: what others said there is confirmed, or was on its way to a connected device for less than %v", of.A, of.B, c.hold)
		}
	}
}

func (c *pushNotSpurious) reasons(device, conversation history.ID, phones map[history.ID][]history.ID) (all []reason) {
	book, owner := c.views.Books.Find(conversation), c.views.Devices.Of(device).Owner
	spans := c.views.Members.Find(conversation, owner)
	if book == nil || spans == nil {
		return nil
	}
	first := c.first(book, conversation, phones[owner])
	for local, number := range book.Messages {
		m := &c.views.Messages.All[number]
		if !m.Sent || c.writer(m) == owner || m.Seq > 0 && !ledger.Sees(*spans, m.Seq) || c.isUnmade(number) {
			continue
		}
		if r := (reason{c.begins(device, m), c.ends(first[local])}); r.from < r.to {
			all = append(all, r)
		}
	}
	return all
}

func (c *pushNotSpurious) isUnmade(message int32) bool {
	u := c.unmade.Find(c.views.Messages.IDs[message])
	return u != nil && *u
}

// first is when each message of a conversation was shown first by one of the devices.
func (c *pushNotSpurious) first(book *ledger.Book, conversation history.ID, devices []history.ID) []show {
	first := make([]show, len(book.Messages))
	for i := range first {
		first[i].at = never
	}
	for _, d := range devices {
		shows := c.shows.Find(d, conversation)
		if shows == nil {
			continue
		}
		for _, s := range *shows {
			if s.at < first[s.local].at {
				first[s.local] = s
			}
		}
	}
	return first
}

// begins is when a message becomes a reason: at once where the device has no connection, and else when it loses it, or
// when it has had its time.
func (c *pushNotSpurious) begins(device history.ID, m *ledger.Message) time.Duration {
	links := c.links.of(device, m.SentAt)
	if len(links) == 0 || links[0].from > m.SentAt {
		return m.SentAt
	}
	lost := links[0].to
	if lost != never {
		lost -= noticed
	}
	return max(m.SentAt, min(lost, m.SentAt+c.hold))
}

// noticed is how much earlier than the device the system may notice that a connection has ended.
const noticed = time.Second

// ends is when a message is confirmed: one that was shown, after the first time of a receipt with a connection since.
func (c *pushNotSpurious) ends(s show) time.Duration {
	if s.at == never {
		return never
	}
	for _, l := range c.links.of(s.device, s.at) {
		if from := max(l.from, s.at); l.from != never && l.to-from >= c.receipt {
			return from + c.receipt
		}
	}
	return never
}
