package property

import (
	"sort"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// SessionOrder promises that a device shows a conversation in its order: each message has a greater seq than the one
// shown before it, or, where there are none, stands later in the store. A message shown again is not judged here but by
// ShownAtMostOnce.
func SessionOrder() Property {
	return Property{
		Name:    "session-order",
		Promise: "A device shows each conversation in its order.",
		New:     func(n Names) Checker { return &sessionOrder{evidence: evidence{names: n}} },
	}
}

type sessionOrder struct {
	evidence
	sessions ledger.Pairs[session] // of (device, conversation)
	store    storeOrder
	shown    int64
	unplaced bool
}

type session struct {
	last  int64
	holes []ledger.Span // places that were passed over
	list  []showing     // where messages have no seq
}

// showing is a message that a device showed.
type showing struct {
	identity history.ID
	at       time.Duration
}

func (c *sessionOrder) Observe(e *history.Event) {
	switch e.Kind {
	case history.Shown:
		c.shown++
		c.observe(e, c.sessions.Of(e.Device, e.Conversation))
	case history.Stored, history.StoreRead:
		c.store.observe(e)
	}
}

func (c *sessionOrder) observe(e *history.Event, s *session) {
	switch {
	case e.Seq == 0:
		c.unplaced = true
		s.list = append(s.list, showing{e.Identity(), e.At})
	case e.Seq > s.last:
		if e.Seq > s.last+1 {
			s.holes = append(s.holes, ledger.Span{From: s.last + 1, To: e.Seq - 1})
		}
		s.last = e.Seq
	case s.passed(e.Seq):
		c.event(e, "seq %d was shown before it", s.last)
	}
}

// passed says whether a place was passed over: holes are in order.
func (s *session) passed(seq int64) bool {
	i := sort.Search(len(s.holes), func(i int) bool { return s.holes[i].To >= seq })
	return i < len(s.holes) && s.holes[i].From <= seq
}

func (c *sessionOrder) Verdict() Verdict {
	expected := "strictly increasing seq of what a device shows of a conversation"
	if c.unplaced {
		expected = "what a device shows of a conversation in the order of the store"
		c.judgeByStore()
	}
	switch {
	case c.shown == 0:
		return unknown(expected, "no device showed anything")
	case c.unplaced && !c.store.read && c.breaks == 0:
		return unknown(expected, "%s, and the store was not read at the end", noSeq)
	}
	return c.verdict(expected, "%d of %s out of order", c.breaks, count(c.shown, "message shown"))
}

// judgeByStore compares what each device showed with the order of the store.
func (c *sessionOrder) judgeByStore() {
	var seen ledger.Rows[int32] // by identity: the last session that showed it, from 1
	for n, s := range c.sessions.All {
		var last int64
		for _, m := range s.list {
			at := c.store.order(m.identity)
			again := *seen.Of(m.identity) == int32(n+1)
			*seen.Of(m.identity) = int32(n + 1)
			switch {
			case at == 0 || again:
			case at < last:
				c.add(m.at, "%v showed %v of %v, row %d of the store, after row %d", c.sessions.Keys[n].A, m.identity, c.sessions.Keys[n].B, at, last)
			}
			last = max(last, at)
		}
	}
}
