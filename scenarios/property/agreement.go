package property

import (
	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// Agreement promises that all members see one order: the same message at the same seq on every device, live and in its
// last reading of history; where there are no sequence numbers, no two messages in opposite orders on two devices.
func Agreement() Property {
	return Property{
		Name:    "agreement",
		Promise: "All members see one order per conversation.",
		New: func(n Names) Checker {
			return &agreement{evidence: evidence{names: n}}
		},
	}
}

type agreement struct {
	evidence
	orders   ledger.Rows[line]       // by conversation
	sessions ledger.Pairs[[]showing] // of (device, conversation), where messages have no seq
	shared   int64                   // sightings of a place that another device had seen
	compared int64                   // messages without a seq that two devices showed
	unplaced bool
}

// line is what was first seen at each place of a conversation.
type line struct {
	near []first         // by seq
	far  map[int64]first // beyond what a real conversation fills
}

type first struct{ identity, device history.ID }

func (c *agreement) Observe(e *history.Event) {
	switch {
	case e.Kind != history.Raw && e.Kind != history.Shown && e.Kind != history.Read:
	case e.Seq != 0:
		c.sighting(e)
	case e.Kind == history.Shown:
		c.unplaced = true
		list := c.sessions.Of(e.Device, e.Conversation)
		*list = append(*list, showing{e.Identity(), e.At})
	}
}

func (c *agreement) sighting(e *history.Event) {
	was := c.orders.Of(e.Conversation).at(e.Seq, first{e.Identity(), e.Device})
	if was.device != e.Device {
		c.shared++
	}
	if was.identity != e.Identity() {
		c.event(e, "%v had %v there", was.device, was.identity)
	}
}

// at is what was first seen at a place, which is now unless there was something.
func (l *line) at(seq int64, now first) first {
	if seq < 0 || seq >= int64(2*len(l.near)+1024) {
		if was, ok := l.far[seq]; ok {
			return was
		}
		if l.far == nil {
			l.far = make(map[int64]first)
		}
		l.far[seq] = now
		return now
	}
	if seq >= int64(len(l.near)) {
		l.near = append(l.near, make([]first, seq+1-int64(len(l.near)))...)
	}
	if l.near[seq].device == 0 {
		l.near[seq] = now
		if was, ok := l.far[seq]; ok {
			l.near[seq] = was
		}
	}
	return l.near[seq]
}

func (c *agreement) Verdict() Verdict {
	expected := "the same message at the same seq on every device"
	if c.unplaced {
		expected = "no two messages in opposite orders on two devices"
		c.judgeByLongest()
	}
	if c.shared+c.compared+c.breaks == 0 {
		return unknown(expected, "no two devices saw the same message of a conversation")
	}
	return c.verdict(expected, "%s in %s", count(c.breaks, "disagreement"), count(c.shared+c.compared, "sighting shared by two devices"))
}

// judgeByLongest compares each device with the one that showed most of the conversation.
func (c *agreement) judgeByLongest() {
	var longest ledger.Rows[int32] // by conversation: number of the session, from 1
	for n, list := range c.sessions.All {
		best := longest.Of(c.sessions.Keys[n].B)
		if *best == 0 || len(list) > len(c.sessions.All[*best-1]) {
			*best = int32(n + 1)
		}
	}
	var places ledger.Rows[mark] // by identity
	for _, n := range longest.All {
		for i, s := range c.sessions.All[n-1] {
			if m := places.Of(s.identity); m.place == 0 {
				m.place = int32(i + 1)
			}
		}
	}
	for n := range c.sessions.All {
		if reference := *longest.Of(c.sessions.Keys[n].B) - 1; int(reference) != n {
			c.compare(int32(n), reference, &places)
		}
	}
}

// mark is where the reference showed a message, and which session was the last to show it.
type mark struct{ place, session int32 }

func (c *agreement) compare(n, reference int32, places *ledger.Rows[mark]) {
	last, before := int32(0), history.ID(0)
	for _, s := range c.sessions.All[n] {
		m := places.Find(s.identity)
		if m == nil || m.session == n+1 {
			continue
		}
		m.session = n + 1
		c.compared++
		if m.place < last {
			c.add(s.at, "%v showed %v after %v, %v the other way round", c.sessions.Keys[n].A, s.identity, before, c.sessions.Keys[reference].A)
			continue
		}
		last, before = m.place, s.identity
	}
}
