package push

import (
	"container/heap"
	"slices"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/resilience"
)

// times say when what is decided.
type times struct {
	hold   time.Duration // a user who looks online is notified so long after a message that no receipt followed
	settle time.Duration // what a receipt of a delivery takes to be stored
	look   time.Duration // between two looks at a user who is held
	quiet  time.Duration // after a notification of a conversation, until the next one to the same user
	merge  time.Duration // messages that came within it are decided together
	giveUp time.Duration // a notification that no provider took for so long is dropped
}

// timesFor: hold is the presence TTL and a margin of at most 5 s, in which the receipt of a delivery just before the
// TTL is stored.
func timesFor(ttl time.Duration) times {
	margin := min(ttl, 5*time.Second)
	return times{
		hold: ttl + margin, settle: min(margin, 3*time.Second), look: min(margin, 3*time.Second), quiet: margin,
		merge: margin / 4, giveUp: resilience.Provider.Overall(),
	}
}

// key names what a notification is about.
type key struct{ user, conv chat.ID }

// entry is one undecided message of a user, or several that came close together.
type entry struct {
	offset int64 // of the first one's record: it may not be committed before this entry is decided
	place  chat.Place
	sender chat.ID // of the newest
	count  int
	sentAt time.Time // of the first, by the log
	first  time.Time // when we got the first
	due    time.Time // when it is decided even for a user who looks online
}

// hold is what waits for one user in one conversation. One without entries only keeps quiet.
type hold struct {
	key
	waiting  []entry // oldest first
	inFlight int     // of them, in the notification under way
	online   bool    // as last seen
	quiet    time.Time
	next     time.Time // when to look
	index    int       // in the heap

	attempts int
	taken    map[string]chat.ID // by device: the place of which its provider took a notification
}

// ledger is what is not yet decided of one partition. It does no I/O and has no clock.
//
// A record may be committed when everything before it and of it is decided, so that a crash repeats decisions and never
// forgets one. One goroutine uses it.
type ledger struct {
	times times
	holds map[key]*hold
	queue looks
	open  []openRecord // in order of offset
	next  int64        // after the newest record seen
}

type openRecord struct {
	offset  int64
	entries int
}

func newLedger(t times, offset int64) *ledger {
	return &ledger{times: t, holds: map[key]*hold{}, next: offset}
}

// arrival is a message that has its place, and the users whom it may have to be told to.
type arrival struct {
	offset int64
	conv   chat.ID
	place  chat.Place
	sender chat.ID
	sentAt time.Time
	users  []chat.ID
}

// add takes the next record.
func (l *ledger) add(a arrival, now time.Time) {
	l.next = a.offset + 1
	open := openRecord{offset: a.offset}
	sentAt := a.sentAt
	if sentAt.After(now) { // a producer's clock runs ahead
		sentAt = now
	}
	for _, u := range a.users {
		h := l.hold(key{u, a.conv}, now)
		e := entry{offset: a.offset, place: a.place, sender: a.sender, count: 1, sentAt: sentAt, first: now, due: later(sentAt.Add(l.times.hold), now.Add(l.times.settle))}
		if h.add(e, l.times.merge) {
			open.entries++
		}
		if h.inFlight == 0 && h.attempts == 0 && !h.online {
			l.lookAt(h, later(now, h.quiet))
		}
	}
	if open.entries > 0 {
		l.open = append(l.open, open)
	}
}

// maxEntries bounds a hold; past it what comes is decided together with what came before.
const maxEntries = 32

// add says whether the message got an entry of its own.
func (h *hold) add(e entry, merge time.Duration) bool {
	if n := len(h.waiting); n > h.inFlight {
		last := &h.waiting[n-1]
		if e.due.Sub(last.due) < merge || n >= maxEntries {
			last.place, last.sender, last.count = e.place, e.sender, last.count+1
			return false
		}
	}
	h.waiting = append(h.waiting, e)
	return true
}

func (l *ledger) hold(k key, now time.Time) *hold {
	h, ok := l.holds[k]
	if !ok {
		h = &hold{key: k, next: now}
		l.holds[k] = h
		heap.Push(&l.queue, h)
	}
	return h
}

// due returns at most limit holds that have to be looked at.
func (l *ledger) due(now time.Time, limit int) (out []*hold) {
	for len(l.queue) > 0 && len(out) < limit && !l.queue[0].next.After(now) {
		h := l.queue[0]
		if len(h.waiting) == 0 {
			l.forget(h)
			continue
		}
		heap.Remove(&l.queue, h.index)
		out = append(out, h)
	}
	for _, h := range out {
		heap.Push(&l.queue, h)
	}
	return out
}

// nextLook says when something has to be looked at.
func (l *ledger) nextLook() (time.Time, bool) {
	if len(l.queue) == 0 {
		return time.Time{}, false
	}
	return l.queue[0].next, true
}

// seen notes whether the user is online, and says whether it has to be known what was delivered: not of one who was
// only just sent something. Of one who looks online nothing can be said before the receipt could be there.
func (l *ledger) seen(h *hold, online bool, now time.Time) (ask bool) {
	was := h.online
	h.online = online
	oldest := h.waiting[0]
	settled := oldest.first.Add(l.times.settle)
	if (online || was) && now.Before(settled) && now.Before(oldest.due) {
		l.lookAt(h, earlier(settled, oldest.due))
		if !online {
			h.online = true // still to be judged as one who was there when it came
		}
		return false
	}
	return true
}

// verdict is what was decided of a hold.
type verdict string

const (
	reached verdict = "reached" // a receipt says so
	waits   verdict = "waits"
	tell    verdict = "tell"
	tooLate verdict = "too_late" // no provider took it for an hour
)

// decide judges a hold by the newest place that any device of the user has confirmed.
func (l *ledger) decide(h *hold, delivered chat.Position, now time.Time) verdict {
	n := 0
	for n < len(h.waiting) && covers(delivered, h.waiting[n].place) {
		n++
	}
	l.decided(h, n)
	if len(h.waiting) == 0 {
		h.attempts = 0
		l.lookAt(h, later(now, h.quiet))
		return reached
	}
	oldest := h.waiting[0]
	switch {
	case h.attempts > 0 && now.Sub(oldest.first) > l.times.giveUp:
		l.decided(h, len(h.waiting))
		h.attempts = 0
		l.lookAt(h, now)
		return tooLate
	case now.Before(h.quiet):
		l.lookAt(h, h.quiet)
		return waits
	case h.online && now.Before(oldest.due):
		l.lookAt(h, earlier(now.Add(l.times.look), oldest.due))
		return waits
	}
	h.inFlight = len(h.waiting)
	l.park(h)
	return tell
}

// notification is what a hold that was decided to tell tells.
func (h *hold) notification() Notification {
	n := Notification{User: h.user, Conversation: h.conv}
	for _, e := range h.waiting[:h.inFlight] {
		n.Unread += e.count
	}
	newest := h.waiting[h.inFlight-1]
	n.Sender, n.Place = newest.sender, newest.place
	return n
}

// told ends a notification: it is decided.
func (l *ledger) told(h *hold, now time.Time, quiet bool) {
	l.decided(h, h.inFlight)
	h.inFlight, h.attempts, h.taken = 0, 0, nil
	if quiet {
		h.quiet = now.Add(l.times.quiet)
	}
	l.resume(h, later(now, h.quiet))
}

// again puts a notification back: at the next look it is judged anew, with what has come since.
func (l *ledger) again(h *hold, at time.Time) {
	h.inFlight = 0
	l.resume(h, at)
}

// decided drops the oldest n entries and lets their records go.
func (l *ledger) decided(h *hold, n int) {
	for _, e := range h.waiting[:n] {
		i, _ := slices.BinarySearchFunc(l.open, e.offset, func(r openRecord, offset int64) int { return int(r.offset - offset) })
		l.open[i].entries--
	}
	h.waiting = slices.Delete(h.waiting, 0, n)
	for len(l.open) > 0 && l.open[0].entries == 0 {
		l.open = l.open[1:]
	}
}

// committable is the offset below which everything is decided.
func (l *ledger) committable() int64 {
	if len(l.open) > 0 {
		return l.open[0].offset
	}
	return l.next
}

func (l *ledger) forget(h *hold) {
	heap.Remove(&l.queue, h.index)
	delete(l.holds, h.key)
}

func (l *ledger) lookAt(h *hold, at time.Time) {
	h.next = at
	heap.Fix(&l.queue, h.index)
}

// park takes a hold out of the queue while its notification is under way.
func (l *ledger) park(h *hold) { heap.Remove(&l.queue, h.index) }

func (l *ledger) resume(h *hold, at time.Time) {
	h.next = at
	heap.Push(&l.queue, h)
}

// covers says whether a cursor has come to a place or beyond it. Where there is no seq, two places of one tick are not
// taken for the same: to repeat is harmless, to forget is not.
func covers(c chat.Position, p chat.Place) bool {
	if c.Seq > 0 && p.Seq > 0 {
		return c.Seq >= p.Seq
	}
	if c.Timestamp == (chat.ID{}) {
		return false
	}
	return c.Timestamp == p.Timestamp || order.TicksOfUUID(c.Timestamp) > order.TicksOfUUID(p.Timestamp)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
