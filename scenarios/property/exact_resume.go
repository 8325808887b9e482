package property

import (
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// ExactResume promises that a device that left and came back goes on exactly where it stopped: by the deadline it has
// shown every message that came into being while it was away, each once and in the conversation's order. It is no
// promise of every run, because not in every run somebody leaves.
func ExactResume() Property {
	return Property{
		Name:    "exact-resume",
		Promise: "A device that comes back shows all that it missed, each message once and in order.",
		New: func(n Names) Checker {
			return &exactResume{evidence: evidence{names: n}, views: ledger.Views{Names: n}}
		},
	}
}

type exactResume struct {
	evidence
	views    ledger.Views
	born     ledger.Rows[time.Duration] // by message: when it was first acknowledged or seen, plus one
	absences ledger.Rows[absence]       // by device
	shown    ledger.Pairs[resumption]   // of (device, conversation)
}

// absence is the last time for which a device was away by its own wish.
type absence struct {
	from, to time.Duration // to is 0 until it is back
	away     bool
}

// resumption is what a device showed of a conversation since it is back.
type resumption struct {
	seen ledger.Bits // ever
	last int64       // place
}

func (c *exactResume) Observe(e *history.Event) {
	c.views.Observe(e)
	if c.views.Devices.Ended() {
		return
	}
	switch e.Kind {
	case history.Disconnected:
		if c.views.Devices.Of(e.Device).Left() {
			*c.absences.Of(e.Device) = absence{from: e.At, away: true}
		}
	case history.Connected:
		if a := c.absences.Find(e.Device); a != nil && a.away {
			a.away, a.to = false, e.At
		}
	case history.Acked:
		c.bear(e.ClientMsg, e.At)
	case history.Raw:
		c.bear(e.Identity(), e.At)
	case history.Shown:
		c.bear(e.Identity(), e.At)
		c.show(e)
	}
}

func (c *exactResume) bear(identity history.ID, at time.Duration) {
	if born := c.born.Of(identity); *born == 0 {
		*born = at + 1
	}
}

// show judges what a device shows after it came back against all that it ever showed.
func (c *exactResume) show(e *history.Event) {
	m := c.views.Messages.Find(e.Identity())
	if m == nil || m.Conversation != e.Conversation {
		return
	}
	r := c.shown.Of(e.Device, e.Conversation)
	again := r.seen.Set(m.Local)
	if a := c.absences.Find(e.Device); a != nil && a.to > 0 {
		switch {
		case again:
			c.event(e, "once more after it came back")
		case e.Seq > 0 && e.Seq < r.last:
			c.event(e, "after seq %d", r.last)
		}
	}
	r.last = max(r.last, e.Seq)
}

func (c *exactResume) Verdict() Verdict {
	expected := "everything that came into being while a device was away shown by the deadline, once and in order"
	missed, back := int64(0), int64(0)
	for n, a := range c.absences.All {
		if device := c.absences.IDs[n]; a.to > 0 && c.views.Devices.Of(device).Connected {
			back++
			missed += c.resumed(device, a)
		}
	}
	switch {
	case !c.views.Devices.Ended():
		return unknown(expected, "the history ends before its deadline")
	case back == 0:
		return unknown(expected, "no device left and came back")
	case missed == 0:
		return unknown(expected, "nothing happened while a device was away")
	}
	return c.verdict(expected, "%s in %s by %s that came back", count(c.breaks, "break"), count(missed, "missed message"), count(back, "device"))
}

// resumed looks for what a device missed and never showed, and returns how much it missed.
func (c *exactResume) resumed(device history.ID, a absence) (missed int64) {
	owner := c.views.Devices.Of(device).Owner
	for n, spans := range c.views.Members.All {
		conversation := c.views.Members.Keys[n].A
		book := c.views.Books.Find(conversation)
		if c.views.Members.Keys[n].B != owner || book == nil {
			continue
		}
		have := ledger.Bits{}
		if r := c.shown.Find(device, conversation); r != nil {
			have = r.seen
		}
		for local, number := range book.Messages {
			m := &c.views.Messages.All[number]
			born := c.born.Find(c.views.Messages.IDs[number])
			if born == nil || *born <= a.from || *born > a.to || !ledger.Sees(spans, m.Seq) {
				continue
			}
			if missed++; !have.Has(int32(local)) {
				c.add(*born-1, "%v was away from %v to %v and never showed %v (seq %v) of %v", device, a.from, a.to,
					c.views.Messages.IDs[number], place(m.Seq), conversation)
			}
		}
	}
	return missed
}
