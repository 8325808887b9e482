package property

import (
	"slices"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
)

// corruption changes one thing in a good history, at an event that fits, so that a property is broken.
type corruption struct {
	property, name string
	fits           func(*taken, *history.Event) bool
	corrupt        func(s taken, i int) taken
}

func corruptions() []corruption {
	return []corruption{
		{"no-acked-loss", "acknowledged message erased", acked, erase},
		{"durable-in-store", "row lost", ackedRow, func(s taken, i int) taken { return s.drop(i) }},
		{"no-phantom", "send never happened", ackedRow, func(s taken, i int) taken {
			id := s.events[i].ClientMsg
			return s.without(func(e *history.Event) bool { return e.ClientMsg == id && e.Kind < history.Raw })
		}},
		{"nothing-refused-visible", "acknowledgement turned into a refusal", ackedAndStored, func(s taken, i int) taken {
			s.events[i].Kind, s.events[i].Message, s.events[i].Code = history.Refused, 0, s.events[i].Device
			return s
		}},
		{"one-sequence-number", "row with another place", of(history.Stored), func(s taken, i int) taken { s.events[i].Seq++; return s }},
		{"one-sequence-number", "row twice", of(history.Stored), twice},
		{"session-order", "two messages shown the other way round", neighbours, func(s taken, i int) taken {
			j := s.next(i)
			s.events[i], s.events[j] = s.events[j], s.events[i]
			return s
		}},
		{"no-silent-skip", "message not shown", between, func(s taken, i int) taken {
			d := s.events[i].Device
			return s.drop(i).without(func(e *history.Event) bool {
				return e.Device == d && (e.Kind == history.Gap || e.Kind == history.GapFilled)
			})
		}},
		{"agreement", "another message at a place", shared, func(s taken, i int) taken { s.events[i].ClientMsg = s.events[i].Device; return s }},
		{"sender-fifo", "two sends exchanged", consecutive, exchange},
		{"causal-order", "answer stored before what it answers", answering, func(s taken, i int) taken {
			return s.exchangeRows(s.rowOf(&s.events[i]), s.rowOf(s.shownBefore(&s.events[i])))
		}},
		{"ack-order", "rows of consecutive sends exchanged", consecutive, func(s taken, i int) taken {
			return s.exchangeRows(s.rowOf(&s.events[i]), s.rowOf(s.following(&s.events[i])))
		}},
		{"shown-at-most-once", "shown twice", of(history.Shown), twice},
		{"raw-at-most-once", "received twice", of(history.Raw), twice},
		{"history-is-live", "reading lacks a message", of(history.Read), func(s taken, i int) taken { return s.drop(i) }},
		{"history-is-live", "row lost", live, func(s taken, i int) taken { return s.drop(i) }},
		{"members-only", "sent to somebody who never was a member", of(history.Raw), func(s taken, i int) taken {
			user := s.owner(s.events[i].Device)
			return s.without(func(e *history.Event) bool { return e.Kind == history.Joined && e.User == user })
		}},
		{"receipts-grounded", "a member more", settled, func(s taken, i int) taken { s.events[i].Delivered++; s.events[i].Count++; return s }},
		{"receipts-grounded", "a reader more", unread, func(s taken, i int) taken { s.events[i].ReadBy++; return s }},
		{"receipts-grounded", "told less than before", delivering, func(s taken, i int) taken {
			s = twice(s, i)
			s.events[i+1].Delivered, s.events[i+1].ReadBy = 0, 0
			return s
		}},
		{"receipts-grounded", "told to somebody who has written nothing", of(history.Receipt), func(s taken, i int) taken {
			user := s.owner(s.events[i].Device)
			return s.without(func(e *history.Event) bool { return e.Sender == user })
		}},
		{"unread-converges", "one more", settledCount, func(s taken, i int) taken { s.events[i].Count++; return s }},
		{"unread-converges", "one less", settledCount, func(s taken, i int) taken { s.events[i].Count--; return s }},
		{"honest-refusals", "no time to retry", of(history.Refused), func(s taken, i int) taken { s.events[i].RetryAfter = 0; return s }},
		{"honest-refusals", "no answer", outcome, func(s taken, i int) taken { return s.drop(i) }},
		{"honest-refusals", "two answers", outcome, twice},
		{"acked-ratio", "acknowledgements lost", firstAck, func(s taken, _ int) taken {
			return s.without(func(e *history.Event) bool { return e.Kind == history.Acked })
		}},
		{"delivery-lag", "shown late", shownInSteady, late},
		{"reads-per-miss", "a hundred reads for a crowd", crowded, func(s taken, i int) taken {
			for j := range s.events[i:] {
				if e := &s.events[i+j]; e.Kind == history.Metric {
					e.Value += 100
				}
			}
			return s
		}},
	}
}

func of(k history.Kind) func(*taken, *history.Event) bool {
	return func(_ *taken, e *history.Event) bool { return e.Kind == k }
}

func outcome(_ *taken, e *history.Event) bool { return e.Kind.Outcome() }

func (s *taken) has(fits func(*history.Event) bool) bool { return len(s.where(fits)) > 0 }

func acked(_ *taken, e *history.Event) bool { return e.Kind == history.Acked }

// settled fits a receipt before which everything sent was shown if it was ever stored: what is under way might count.
func settled(s *taken, e *history.Event) bool {
	if e.Kind != history.Receipt {
		return false
	}
	before := map[history.ID]bool{}
	for i := range s.index(e) {
		if o := &s.events[i]; o.Conversation == e.Conversation && (o.Kind == history.Send || o.Kind == history.Shown) {
			before[o.ClientMsg] = o.Kind == history.Shown
		}
	}
	return !s.has(func(o *history.Event) bool {
		shown, sent := before[o.ClientMsg]
		return o.Kind == history.Stored && sent && !shown
	})
}

func unread(s *taken, e *history.Event) bool {
	return e.Kind == history.Receipt && e.ReadBy < e.Delivered && settled(s, e)
}

func delivering(_ *taken, e *history.Event) bool {
	return e.Kind == history.Receipt && e.Delivered > 0
}

// owner is a device's user.
func (s *taken) owner(device history.ID) history.ID {
	known := s.where(func(e *history.Event) bool { return e.Kind == history.DeviceKnown && e.Device == device })
	return s.events[known[0]].User
}

// erase takes an acknowledged message out of everything that devices saw; they stay connected.
func erase(s taken, i int) taken {
	id := s.events[i].ClientMsg
	return s.without(func(e *history.Event) bool {
		return e.ClientMsg == id && (e.Kind == history.Shown || e.Kind == history.Read) || e.Kind == history.Disconnected
	})
}

func ackedRow(s *taken, e *history.Event) bool {
	return e.Kind == history.Stored && s.has(func(o *history.Event) bool { return o.Kind == history.Acked && o.ClientMsg == e.ClientMsg })
}

func ackedAndStored(s *taken, e *history.Event) bool {
	return e.Kind == history.Acked && s.has(func(o *history.Event) bool { return o.Kind == history.Stored && o.ClientMsg == e.ClientMsg })
}

func (s taken) drop(i int) taken {
	return taken{slices.Delete(slices.Clone(s.events), i, i+1), s.names}
}

func twice(s taken, i int) taken {
	return taken{slices.Insert(slices.Clone(s.events), i, s.events[i]), s.names}
}

// next is the next message that the device of event i showed of the same conversation; -1 if there is none.
func (s *taken) next(i int) int {
	e := s.events[i]
	for j := i + 1; j < len(s.events); j++ {
		o := s.events[j]
		if o.Kind == history.Shown && o.Device == e.Device && o.Conversation == e.Conversation {
			return j
		}
	}
	return -1
}

func (s *taken) index(e *history.Event) int {
	return slices.IndexFunc(s.events, func(o history.Event) bool { return o == *e })
}

func neighbours(s *taken, e *history.Event) bool {
	return e.Kind == history.Shown && s.next(s.index(e)) >= 0
}

// between fits a message shown after one and before another.
func between(s *taken, e *history.Event) bool {
	return neighbours(s, e) && s.has(func(o *history.Event) bool {
		return o.Kind == history.Shown && o.Device == e.Device && o.Conversation == e.Conversation && o.Seq < e.Seq
	})
}

// shared fits a message that another device showed too.
func shared(s *taken, e *history.Event) bool {
	return e.Kind == history.Shown && s.has(func(o *history.Event) bool {
		return o.Kind == history.Shown && o.Device != e.Device && o.Conversation == e.Conversation && o.Seq == e.Seq
	})
}

// following is the send that the same device made in the same conversation after the acknowledgement of event i, itself
// acknowledged; nil if there is none.
func (s *taken) following(e *history.Event) *history.Event {
	send := s.events[s.where(func(o *history.Event) bool { return o.Kind == history.Send && o.ClientMsg == e.ClientMsg })[0]]
	for i := s.index(e) + 1; i < len(s.events); i++ {
		o := &s.events[i]
		if o.Kind == history.Send && o.Device == send.Device && o.Conversation == send.Conversation {
			if s.has(func(a *history.Event) bool { return a.Kind == history.Acked && a.ClientMsg == o.ClientMsg }) {
				return o
			}
		}
	}
	return nil
}

// rowOf is the row of an event's message; nil if there is none.
func (s *taken) rowOf(e *history.Event) *history.Event {
	for i := range s.events {
		if o := &s.events[i]; e != nil && o.Kind == history.Stored && o.ClientMsg == e.ClientMsg {
			return o
		}
	}
	return nil
}

func (s taken) exchangeRows(a, b *history.Event) taken {
	a.Order, b.Order = b.Order, a.Order
	return s
}

// shownBefore is the first message that a send's device had shown of the conversation; nil if there is none.
func (s *taken) shownBefore(send *history.Event) *history.Event {
	for i := range s.index(send) {
		if o := &s.events[i]; o.Kind == history.Shown && o.Device == send.Device && o.Conversation == send.Conversation {
			return o
		}
	}
	return nil
}

// answering fits a send after something was shown, both of which are stored.
func answering(s *taken, e *history.Event) bool {
	return e.Kind == history.Send && s.rowOf(e) != nil && s.rowOf(s.shownBefore(e)) != nil
}

// settledCount fits what a device was told to be unread that is connected at the end.
func settledCount(s *taken, e *history.Event) bool {
	if e.Kind != history.Unread {
		return false
	}
	connected := false
	for i := range s.index(e) {
		if o := &s.events[i]; o.Device == e.Device && (o.Kind == history.Connected || o.Kind == history.Disconnected) {
			connected = o.Kind == history.Connected
		}
	}
	return connected
}

func consecutive(s *taken, e *history.Event) bool {
	return e.Kind == history.Acked && s.following(e) != nil
}

// exchange makes the device have sent the two messages the other way round; all views stay.
func exchange(s taken, i int) taken {
	a := s.events[i].ClientMsg
	b := s.following(&s.events[i]).ClientMsg
	for i := range s.events {
		if e := &s.events[i]; e.Kind < history.Raw {
			switch e.ClientMsg {
			case a:
				e.ClientMsg = b
			case b:
				e.ClientMsg = a
			}
		}
	}
	return s
}

// live fits a row that a device showed.
func live(s *taken, e *history.Event) bool {
	return e.Kind == history.Stored && s.has(func(o *history.Event) bool { return o.Kind == history.Shown && o.ClientMsg == e.ClientMsg })
}

// steady fits what happens in the steady phase.
func (s *taken) steady(e *history.Event) bool {
	return s.index(e) < s.where(func(o *history.Event) bool { return o.Kind == history.Phase })[1]
}

func firstAck(s *taken, e *history.Event) bool {
	return e.Kind == history.Acked && s.has(func(o *history.Event) bool { return o.Kind == history.Send && s.steady(o) })
}

// shownInSteady fits a message that a device of somebody else showed and whose send was intended in the steady phase.
func shownInSteady(s *taken, e *history.Event) bool {
	return e.Kind == history.Shown && s.has(func(o *history.Event) bool {
		return o.Kind == history.Send && o.ClientMsg == e.ClientMsg && o.Device != e.Device && s.steady(o)
	})
}

// crowded fits the count of reads after three or more have opened a conversation together, where a fault has begun before.
func crowded(s *taken, e *history.Event) bool {
	if e.Kind != history.Metric {
		return false
	}
	i, waited, faulted := s.index(e), 0, false
	for j := range s.events[:i] {
		switch s.events[j].Kind {
		case history.FaultBegun:
			faulted = true
		case history.Opening:
			waited++
		case history.Metric:
			waited = 0
		}
	}
	return faulted && waited >= 3
}

// late lets the device show a message, and all that follows, ten seconds later.
func late(s taken, i int) taken {
	for j := range s.events {
		if j >= i {
			s.events[j].At += 10 * time.Second
		}
	}
	return s
}
