package push

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

// model is a partition's log, its members' presence and receipts, and what providers took, around a ledger that may be
// lost at any time and is then filled again from what was committed.
type model struct {
	t         *rapid.T
	times     times
	now       time.Time
	ledger    *ledger
	log       []arrival
	committed int64
	online    map[chat.ID]bool
	delivered map[key]chat.Position
	told      map[key][]Notification
	underWay  []*hold
	users     []chat.ID
	convs     []chat.ID
}

func start(t *rapid.T) *model {
	m := &model{
		t: t, times: timesFor(time.Minute), now: time.Unix(1_764_000_000, 0), online: map[chat.ID]bool{},
		delivered: map[key]chat.Position{}, told: map[key][]Notification{},
	}
	for i := range 4 {
		m.users = append(m.users, chat.ID{0: byte(i + 1)})
	}
	for i := range 2 {
		m.convs = append(m.convs, chat.ID{15: byte(i + 1)})
	}
	m.ledger = newLedger(m.times, 0)
	return m
}

func (m *model) send() {
	conv := rapid.SampledFrom(m.convs).Draw(m.t, "conversation")
	sender := rapid.SampledFrom(m.users).Draw(m.t, "sender")
	offset := int64(len(m.log))
	seq := int64(1)
	for _, a := range m.log {
		if a.conv == conv {
			seq++
		}
	}
	a := arrival{
		offset: offset, conv: conv, sender: sender, sentAt: m.now,
		place: chat.Place{Seq: seq, Timestamp: order.TimeUUID(order.TicksOf(m.now)+order.Ticks(seq), 0, offset), Offset: offset},
		users: slices.DeleteFunc(slices.Clone(m.users), func(u chat.ID) bool { return u == sender }),
	}
	if rapid.IntRange(0, 4).Draw(m.t, "kind") == 0 {
		a.users = nil // nobody is told of it
	}
	m.log = append(m.log, a)
	m.ledger.add(a, m.now)
}

// receive confirms everything that a user could have got in a conversation.
func (m *model) receive() {
	k := key{rapid.SampledFrom(m.users).Draw(m.t, "user"), rapid.SampledFrom(m.convs).Draw(m.t, "conversation")}
	for _, a := range m.log {
		if a.conv == k.conv && a.place.Seq > m.delivered[k].Seq {
			m.delivered[k] = chat.Position{ConversationID: k.conv, Seq: a.place.Seq, Timestamp: a.place.Timestamp}
		}
	}
}

func (m *model) comeOrGo() {
	u := rapid.SampledFrom(m.users).Draw(m.t, "user")
	m.online[u] = !m.online[u]
}

func (m *model) pass() {
	m.passFor(time.Duration(rapid.IntRange(1, 20_000).Draw(m.t, "ms")) * time.Millisecond)
}

func (m *model) passFor(d time.Duration) {
	for until := m.now.Add(d); m.now.Before(until); {
		m.now = earlier(until, m.now.Add(100*time.Millisecond))
		m.work()
	}
}

// work is what the partition's loop does.
func (m *model) work() {
	for _, h := range m.ledger.due(m.now, maxLooks) {
		if !m.ledger.seen(h, m.online[h.user], m.now) {
			continue
		}
		if m.ledger.decide(h, m.delivered[h.key], m.now) != tell {
			continue
		}
		n := h.notification()
		require.False(m.t, covers(m.delivered[h.key], n.Place), "a push is begun after a receipt of all that it tells of")
		require.NotEmpty(m.t, h.waiting)
		m.underWay = append(m.underWay, h)
	}
}

func (m *model) providerAnswers() {
	if len(m.underWay) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.underWay)-1).Draw(m.t, "which")
	h := m.underWay[i]
	m.underWay = slices.Delete(m.underWay, i, i+1)
	if rapid.IntRange(0, 2).Draw(m.t, "answer") == 0 {
		h.attempts++
		m.ledger.again(h, m.now.Add(time.Second))
		return
	}
	m.told[h.key] = append(m.told[h.key], h.notification())
	m.ledger.told(h, m.now, true)
}

func (m *model) commit() { m.committed = max(m.committed, m.ledger.committable()) }

// crash loses everything that was not committed.
func (m *model) crash() {
	m.underWay = nil
	m.ledger = newLedger(m.times, m.committed)
	for _, a := range m.log[m.committed:] {
		m.ledger.add(a, m.now)
	}
}

// check holds the commit against what was decided.
func (m *model) check() {
	m.commit()
	for _, a := range m.log[:m.committed] {
		for _, u := range a.users {
			k := key{u, a.conv}
			require.True(m.t, m.settled(k, a), "record %d was committed, and %v neither has it nor was told", a.offset, u)
		}
	}
	for i := 1; i < len(m.ledger.open); i++ {
		require.Less(m.t, m.ledger.open[i-1].offset, m.ledger.open[i].offset)
	}
}

func (m *model) settled(k key, a arrival) bool {
	if covers(m.delivered[k], a.place) {
		return true
	}
	return slices.ContainsFunc(m.told[k], func(n Notification) bool { return n.Place.Seq >= a.place.Seq })
}

// Whatever happens, a committed record was told or delivered to everybody, and when all is calm nothing is left over.
func TestNothingIsForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := start(t)
		t.Repeat(map[string]func(*rapid.T){
			"send":     func(*rapid.T) { m.send() },
			"send2":    func(*rapid.T) { m.send() },
			"receive":  func(*rapid.T) { m.receive() },
			"come, go": func(*rapid.T) { m.comeOrGo() },
			"pass":     func(*rapid.T) { m.pass() },
			"answer":   func(*rapid.T) { m.providerAnswers() },
			"crash":    func(*rapid.T) { m.crash() },
			"":         func(*rapid.T) { m.check() },
		})
		for range 10 { // everybody may stay online: receipts or the time decide
			m.passFor(m.times.hold / 2)
			for len(m.underWay) > 0 {
				m.providerAnswers()
			}
		}
		m.check()
		require.EqualValues(t, len(m.log), m.committed, "all is decided: %s", m.ledger)
		require.Empty(t, m.ledger.holds, "and nothing is kept")
	})
}

func (l *ledger) String() string {
	s := fmt.Sprintf("next %d, open %v;", l.next, l.open)
	for k, h := range l.holds {
		s += fmt.Sprintf(" %x/%x: %d waiting, %d in flight, next %v", k.user[:1], k.conv[15:], len(h.waiting), h.inFlight, h.next)
	}
	return s
}

// story plays a few steps with one user in one conversation.
type story struct {
	*testing.T
	ledger *ledger
	now    time.Time
	seq    int64
}

func tell1(t *testing.T) *story {
	return &story{T: t, ledger: newLedger(timesFor(time.Minute), 0), now: time.Unix(1_764_000_000, 0)}
}

func bob() key { return key{chat.ID{1}, chat.ID{2}} }

func (s *story) message() {
	s.seq++
	s.ledger.add(arrival{
		offset: s.seq - 1, conv: bob().conv, place: chat.Place{Seq: s.seq}, sentAt: s.now, users: []chat.ID{bob().user},
	}, s.now)
}

// after passes time in small steps and returns what was decided of those that did not wait on.
func (s *story) after(d time.Duration, online bool, delivered int64) (out []verdict) {
	for until := s.now.Add(d); !s.now.After(until); s.now = s.now.Add(100 * time.Millisecond) {
		for _, h := range s.ledger.due(s.now, maxLooks) {
			if !s.ledger.seen(h, online, s.now) {
				continue
			}
			v := s.ledger.decide(h, chat.Position{Seq: delivered}, s.now)
			if v == tell {
				s.ledger.told(h, s.now, true)
			}
			if v != waits {
				out = append(out, v)
			}
		}
	}
	return out
}

func TestOfflineIsToldAtOnce(t *testing.T) {
	s := tell1(t)
	s.message()
	require.Equal(t, []verdict{tell}, s.after(0, false, 0))
	require.EqualValues(t, 1, s.ledger.committable())
	s.message()
	s.message()
	require.Empty(t, s.after(4*time.Second, false, 0), "the conversation was told just now")
	require.EqualValues(t, 1, s.ledger.committable())
	require.Equal(t, []verdict{tell}, s.after(time.Second, false, 0), "both together")
	require.EqualValues(t, 3, s.ledger.committable())
}

func TestOfflineButDelivered(t *testing.T) {
	s := tell1(t)
	s.message()
	require.Equal(t, []verdict{reached}, s.after(0, false, 1))
	require.EqualValues(t, 1, s.ledger.committable())
}

func TestOnlineIsHeldUntilTheReceipt(t *testing.T) {
	s := tell1(t)
	s.message()
	require.Empty(t, s.after(10*time.Second, true, 0))
	require.Zero(t, s.ledger.committable())
	require.Equal(t, []verdict{reached}, s.after(4*time.Second, true, 1))
	require.EqualValues(t, 1, s.ledger.committable())
}

func TestOnlineWithoutReceiptIsToldAfterTheTTL(t *testing.T) {
	s := tell1(t)
	s.message()
	require.Empty(t, s.after(64*time.Second, true, 0))
	require.Equal(t, []verdict{tell}, s.after(time.Second, true, 0))
}

func TestWhoVanishesIsToldSoon(t *testing.T) {
	s := tell1(t)
	s.message()
	require.Empty(t, s.after(10*time.Second, true, 0))
	require.Equal(t, []verdict{tell}, s.after(3*time.Second, false, 0))
}

func TestWhoLeavesAtOnceHasTimeForTheReceipt(t *testing.T) {
	s := tell1(t)
	s.message()
	require.Empty(t, s.after(time.Second, true, 0))
	require.Empty(t, s.after(1500*time.Millisecond, false, 0))
	require.Equal(t, []verdict{reached}, s.after(time.Second, false, 1))
}

func TestABusyConversationIsOneHold(t *testing.T) {
	s := tell1(t)
	for range 1000 {
		s.message()
		require.Empty(t, s.after(0, true, s.seq-1))
	}
	h := s.ledger.holds[bob()]
	require.Len(t, s.ledger.holds, 1)
	require.LessOrEqual(t, len(h.waiting), maxEntries)
	require.Greater(t, s.ledger.committable(), int64(900), "what was confirmed meanwhile is committed")
}

func TestARetryIsJudgedAnew(t *testing.T) {
	s := tell1(t)
	s.message()
	h := s.ledger.due(s.now, 1)[0]
	require.True(t, s.ledger.seen(h, false, s.now))
	require.Equal(t, tell, s.ledger.decide(h, chat.Position{}, s.now))
	s.message() // while the provider is asked
	h.attempts++
	s.ledger.again(h, s.now.Add(time.Second))
	require.Zero(t, s.ledger.committable())
	require.Empty(t, s.after(900*time.Millisecond, false, 0))
	require.Equal(t, []verdict{reached}, s.after(time.Second, false, 2), "a receipt came meanwhile")
	require.EqualValues(t, 2, s.ledger.committable())
}

func TestNoProviderForAnHour(t *testing.T) {
	s := tell1(t)
	s.message()
	h := s.ledger.due(s.now, 1)[0]
	s.ledger.seen(h, false, s.now)
	require.Equal(t, tell, s.ledger.decide(h, chat.Position{}, s.now))
	h.attempts++
	s.ledger.again(h, s.now.Add(time.Hour+time.Second))
	s.now = s.now.Add(time.Hour)
	require.Equal(t, []verdict{tooLate}, s.after(2*time.Second, false, 0))
	require.EqualValues(t, 1, s.ledger.committable())
}
