package property

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/scenarios/history"
)

// What the properties under test are given.
const (
	freshOnline, freshOffline, freshAgain = 5 * time.Second, 15 * time.Second, 20 * time.Second
	missedWithin                          = 20 * time.Second
	spuriousReceipt                       = 2 * time.Second
)

// ofVisits are the properties of presence and of notifications.
func ofVisits() []string {
	return []string{"presence-safe", "presence-live", "push-not-missed", "push-not-spurious"}
}

func TestVisitsThatAreToldOfBreakNothing(t *testing.T) {
	decided := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		for range 3 {
			verdicts := check(t, someVisits(t), underTest()...)
			require.Empty(t, broken(verdicts, ""), "%v", verdicts)
			for _, name := range ofVisits() {
				if verdicts[name].Status == Holds {
					decided[name]++
				}
			}
		}
	})
	for _, name := range ofVisits() {
		require.Greater(t, decided[name], 3, "enough runs decide on %s", name)
	}
}

func TestAnyCorruptionOfVisitsBreaksOnePromise(t *testing.T) {
	for _, c := range visitCorruptions() {
		t.Run(c.property+"/"+c.name, func(t *testing.T) {
			done := 0
			rapid.Check(t, func(t *rapid.T) {
				s, at := c.place(t)
				if len(at) == 0 {
					return // no visits had anything to corrupt in this way
				}
				i := at[rapid.IntRange(0, len(at)-1).Draw(t, "at")]
				verdicts := check(t, c.corrupt(s, i).file(t), underTest()...)
				require.Equal(t, []string{c.property}, broken(verdicts, c.property), "event %d corrupted: %v", i, verdicts)
				done++
			})
			require.Greater(t, done, 3, "enough visits had something to corrupt")
		})
	}
}

// place draws visits until some can be corrupted, and says where. Most are over before anybody is gone for long.
func (c corruption) place(t *rapid.T) (s taken, at []int) {
	for range 5 {
		s = takeApart(t, someVisits(t))
		if at = s.where(func(e *history.Event) bool { return c.fits(&s, e) }); len(at) > 0 {
			break
		}
	}
	return s, at
}

func visitCorruptions() []corruption {
	gone := func(s *taken, e *history.Event) []pair { return s.sceneAfter(e).goneForLong() }
	here := func(s *taken, e *history.Event) []pair { return s.sceneAfter(e).hereForLong() }
	return []corruption{
		{"presence-safe", "told that who is gone is there", some(gone), telling("online", gone)},
		{"presence-safe", "never told that somebody has gone", toldBefore("online", gone), neverTold("offline", gone)},
		{"presence-live", "told that who is there is gone", some(here), telling("offline", here)},
		{"presence-live", "never told that somebody is there", some(here), neverTold("online", here)},
		{"push-not-missed", "never notified", awaited, func(s taken, i int) taken {
			n := s.events[i]
			return s.without(func(e *history.Event) bool { return sameNotice(&n, e) })
		}},
		{"push-not-missed", "notified too late", awaitedForLong, func(s taken, i int) taken {
			n, end := s.events[i], s.end()
			late := s.without(func(e *history.Event) bool { return sameNotice(&n, e) })
			n.At = s.events[end].At
			return late.insert(late.end(), n)
		}},
		{"push-not-spurious", "notified of what is on the screen", some(onScreen), func(s taken, i int) taken {
			of := onScreen(&s, &s.events[i])[0]
			return s.insert(i+1, history.Event{Kind: history.Notified, At: s.events[i].At, Device: of.device, Conversation: of.other})
		}},
	}
}

// pair is a device and whom it watches, or a device and a conversation.
type pair struct{ device, other history.ID }

// some fits where there is a pair.
func some(pairs func(*taken, *history.Event) []pair) func(*taken, *history.Event) bool {
	return func(s *taken, e *history.Event) bool { return len(pairs(s, e)) > 0 }
}

// telling tells a device what is wrong.
func telling(word string, pairs func(*taken, *history.Event) []pair) func(taken, int) taken {
	return func(s taken, i int) taken {
		p := pairs(&s, &s.events[i])[0]
		return s.insert(i+1, history.Event{Kind: history.Presence, At: s.events[i].At, Device: p.device, User: p.other, Text: s.word(word)})
	}
}

// neverTold has a device not told what is right, whenever it was told so.
func neverTold(word string, pairs func(*taken, *history.Event) []pair) func(taken, int) taken {
	return func(s taken, i int) taken {
		p, id := pairs(&s, &s.events[i])[0], s.word(word)
		return s.without(func(e *history.Event) bool {
			return e.Kind == history.Presence && e.Device == p.device && e.User == p.other && e.Text == id
		})
	}
}

// toldBefore fits where the first pair's device was told the word before.
func toldBefore(word string, pairs func(*taken, *history.Event) []pair) func(*taken, *history.Event) bool {
	return func(s *taken, e *history.Event) bool {
		all, i := pairs(s, e), s.index(e)
		return len(all) > 0 && slices.ContainsFunc(s.events[:i], func(o history.Event) bool {
			return o.Kind == history.Presence && o.Device == all[0].device && o.User == all[0].other && s.names[o.Text] == word
		})
	}
}

// word is the id of a text that the history has.
func (s *taken) word(text string) history.ID { return history.ID(slices.Index(s.names, text)) }

func (s taken) insert(i int, e history.Event) taken {
	return taken{slices.Insert(slices.Clone(s.events), i, e), s.names}
}

// end is the number of the event that ends the run.
func (s *taken) end() int {
	return s.where(func(e *history.Event) bool { return e.Kind == history.Phase && s.names[e.Text] == "end" })[0]
}

func sameNotice(n, e *history.Event) bool {
	return e.Kind == history.Notified && e.Device == n.Device && e.Conversation == n.Conversation
}

// awaited fits a notification of something said to a device that was away all the time in which it had to be told.
func awaited(s *taken, e *history.Event) bool {
	return e.Kind == history.Notified && slices.ContainsFunc(s.sends(e), func(m owing) bool {
		return m.at <= e.At && e.At <= m.due && s.away(e.Device, m.at, m.due)
	})
}

// awaitedForLong fits one whose device does not come back.
func awaitedForLong(s *taken, e *history.Event) bool {
	return e.Kind == history.Notified && slices.ContainsFunc(s.sends(e), func(m owing) bool {
		return m.at <= e.At && e.At <= m.due && s.away(e.Device, m.at, s.events[s.end()].At)
	})
}

type owing struct{ at, due time.Duration }

// sends are those of others in a notification's conversation that are due before the end.
func (s *taken) sends(n *history.Event) (all []owing) {
	at, end := map[history.ID]time.Duration{}, s.events[s.end()].At
	for _, e := range s.events {
		switch {
		case e.Kind == history.Send && e.Conversation == n.Conversation && e.Device != n.Device:
			at[e.ClientMsg] = e.At
		case e.Kind == history.Acked && at[e.ClientMsg] > 0 && e.At+missedWithin < end:
			all = append(all, owing{at[e.ClientMsg], e.At + missedWithin})
		}
	}
	return all
}

// away says that a device was not connected in a time, and did not try to be.
func (s *taken) away(device history.ID, from, to time.Duration) bool {
	away := true
	for _, e := range s.events {
		switch {
		case e.At > to:
			return away
		case e.Device != device:
		case e.Kind == history.Connecting || e.Kind == history.Connected:
			away = false
		case e.Kind == history.Disconnected && e.At < from:
			away = true
		}
	}
	return away
}
