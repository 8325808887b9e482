package property

import (
	"math"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// NoSilentSkip promises that a device that passes over places between two messages knows it: it noticed the gap and
// filled it later, or history told it that there is nothing for this user, or the user was not a member there.
// What a device shows first begins its session; what came before is judged by NoAckedLoss.
func NoSilentSkip() Property {
	return Property{
		Name:    "no-silent-skip",
		Promise: "A device never passes over messages without noticing and catching up.",
		New:     func(n Names) Checker { return &noSilentSkip{evidence: evidence{names: n}} },
	}
}

type noSilentSkip struct {
	evidence
	devices  ledger.Devices
	members  ledger.Members
	readers  ledger.Pairs[reader] // of (device, conversation)
	shown    int64
	unplaced int64
}

// reader is how far a device has read a conversation.
type reader struct {
	last    int64
	known   ledger.Span // the gap noticed last, still open
	told    ledger.Span // places that history does not have; without an end, up to what is shown next
	skipped ledger.Span // passed over and not filled yet
	noticed bool        // skipped was noticed
	at      time.Duration
}

func (c *noSilentSkip) Observe(e *history.Event) {
	switch e.Kind {
	case history.Shown:
		c.show(e)
	case history.Gap, history.GapFilled, history.Skipped:
		c.readers.Of(e.Device, e.Conversation).learn(e)
	default:
		c.devices.Observe(e, c.names)
		c.members.Observe(e)
	}
}

func (c *noSilentSkip) show(e *history.Event) {
	c.shown++
	if e.Seq == 0 {
		c.unplaced++
		return
	}
	r := c.readers.Of(e.Device, e.Conversation)
	if gap := (ledger.Span{From: r.last + 1, To: e.Seq - 1}); r.last > 0 && gap.From <= gap.To {
		c.skip(e, r, gap)
	}
	r.last = max(r.last, e.Seq)
	if r.told.To == math.MaxInt64 {
		r.told = ledger.Span{}
	}
}

func (c *noSilentSkip) skip(e *history.Event, r *reader, gap ledger.Span) {
	if within(gap, r.told) || !c.visible(e, gap) {
		return
	}
	if r.skipped == (ledger.Span{}) {
		r.skipped, r.at, r.noticed = gap, e.At, true
	}
	r.skipped.To = gap.To
	r.noticed = r.noticed && overlap(gap, r.known)
}

// visible says whether the device's user may see any place of the gap; without word of who is a member, yes.
func (c *noSilentSkip) visible(e *history.Event, gap ledger.Span) bool {
	device := c.devices.Find(e.Device)
	if device == nil {
		return true
	}
	spans := c.members.Find(e.Conversation, device.Owner)
	return spans == nil || ledger.SeesAny(*spans, gap)
}

// learn takes notice of what the device knows of its gaps.
func (r *reader) learn(e *history.Event) {
	span := ledger.Span{From: e.Seq, To: max(e.Seq, e.Until)}
	switch e.Kind {
	case history.Gap:
		r.known = span
		r.noticed = r.noticed || overlap(r.skipped, span)
	case history.Skipped:
		if r.told = span; e.Until == 0 {
			r.told.To = math.MaxInt64
		}
		if within(r.skipped, span) {
			r.skipped = ledger.Span{}
		}
	case history.GapFilled:
		r.known = ledger.Span{}
		if r.noticed && e.Seq >= r.skipped.To {
			r.skipped = ledger.Span{}
		}
	}
}

func (c *noSilentSkip) Verdict() Verdict {
	expected := "no place passed over that was not noticed and filled, or told to be no one's to see"
	for n, r := range c.readers.All {
		if open := r.skipped != (ledger.Span{}); open && (!r.noticed || c.devices.Ended()) {
			how := "without noticing"
			if r.noticed {
				how = "noticed it and never filled it"
			}
			c.add(r.at, "%v passed over seq %v of %v, %v", c.readers.Keys[n].A, span(r.skipped.From, r.skipped.To), c.readers.Keys[n].B, how)
		}
	}
	switch {
	case c.shown == 0:
		return unknown(expected, "no device showed anything")
	case c.unplaced == c.shown:
		return unknown(expected, noSeq)
	}
	return c.verdict(expected, "%s in %s shown", count(c.breaks, "skip"), count(c.shown, "message"))
}
