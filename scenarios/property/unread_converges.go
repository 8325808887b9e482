package property

import (
	"math"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// UnreadConverges promises that everybody is told the true number of unread messages when all has come to rest: the
// places, notices included, behind the one that the member read last, sent last or stood before when joining. Who sends
// has read what stands before.
//
// What a member said to have read is the least that can be unread. It must count once it was taken from a device that is
// still connected at the end: one that is not may take its last word with it.
func UnreadConverges() Property {
	return Property{
		Name:    "unread-converges",
		Promise: "When everything has arrived, everybody is told how many messages they have not read.",
		New:     func(n Names) Checker { return &unreadConverges{evidence: evidence{names: n}} },
	}
}

type unreadConverges struct {
	evidence
	devices ledger.Devices
	members ledger.Members
	rooms   ledger.Rows[rested]
	own     ledger.Pairs[int64] // of (conversation, user): the newest place sent
	marked  ledger.Pairs[int64] // of (conversation, user): the newest place marked
	taken   ledger.Pairs[int64] // of (conversation, device): the newest place taken
	told    []unreadTold
}

// rested is a conversation at the end.
type rested struct {
	read     bool  // its rows are known
	unplaced bool  // and have no seq
	newest   int64 // place
}

// unreadTold is what one user was told of one conversation.
type unreadTold struct {
	at                   time.Duration
	device, conversation history.ID
	newest, count        int64
}

func (c *unreadConverges) Observe(e *history.Event) {
	switch e.Kind {
	case history.Stored:
		room := c.rooms.Of(e.Conversation)
		room.newest, room.unplaced = max(room.newest, e.Seq), room.unplaced || e.Seq == 0
		raise(c.own.Of(e.Conversation, e.Sender), e.Seq)
	case history.StoreRead:
		c.rooms.Of(e.Conversation).read = true
	case history.MarkedRead:
		if device := c.devices.Find(e.Device); device != nil {
			raise(c.marked.Of(e.Conversation, device.Owner), e.Seq)
		}
	case history.ReadTaken:
		raise(c.taken.Of(e.Conversation, e.Device), e.Seq)
	case history.Unread:
		c.told = append(c.told, unreadTold{e.At, e.Device, e.Conversation, e.Seq, e.Count})
	default:
		c.devices.Observe(e, c.names)
		c.members.Observe(e)
	}
}

func raise(to *int64, seq int64) { *to = max(*to, seq) }

func (c *unreadConverges) Verdict() Verdict {
	expected := "the number of places behind the one that a member has read"
	kept := c.kept()
	var judged int64
	for _, t := range c.told {
		if c.judge(t, kept) {
			judged++
		}
	}
	switch {
	case len(c.told) == 0:
		return unknown(expected, "nobody was asked what is unread")
	case judged == 0:
		return unknown(expected, "nothing is known of the rows, or of who is in what")
	}
	return c.verdict(expected, "%d of %s wrong", c.breaks, count(judged, "unread count"))
}

// kept is up to where a user's cursor must have come: what connected devices had taken from them. Pairs are
// (conversation, user).
func (c *unreadConverges) kept() (kept ledger.Pairs[int64]) {
	for n, seq := range c.taken.All {
		key := c.taken.Keys[n]
		if device := c.devices.Find(key.B); device != nil && device.Connected {
			raise(kept.Of(key.A, device.Owner), seq)
		}
	}
	return kept
}

// judge holds one count against the truth, and says whether the history knows it. Who is no member any more need not be
// told anything.
func (c *unreadConverges) judge(t unreadTold, kept ledger.Pairs[int64]) bool {
	device, room := c.devices.Find(t.device), c.rooms.Find(t.conversation)
	if device == nil || room == nil || !room.read || room.unplaced {
		return false
	}
	spans := c.members.Find(t.conversation, device.Owner)
	if spans == nil || (*spans)[len(*spans)-1].To != math.MaxInt64 {
		return false
	}
	seen := max((*spans)[len(*spans)-1].From-1, at(&c.own, t.conversation, device.Owner))
	least := max(0, room.newest-max(seen, at(&c.marked, t.conversation, device.Owner)))
	most := max(0, room.newest-max(seen, at(&kept, t.conversation, device.Owner)))
	if t.count < least || t.count > most {
		c.add(t.at, "%v was told that %d of %v up to seq %d are unread: of %d places it is %v",
			t.device, t.count, t.conversation, t.newest, room.newest, span(least, most))
	}
	return true
}

// at is the place of a pair; 0 if there is none.
func at(p *ledger.Pairs[int64], a, b history.ID) int64 {
	if seq := p.Find(a, b); seq != nil {
		return *seq
	}
	return 0
}
