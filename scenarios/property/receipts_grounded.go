package property

import (
	"slices"
	"sort"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// ReceiptsGrounded promises that nobody is told more of a place than is true: that more members have it than were shown
// it or a later one, or have read it than said so; who writes has read what stands before. What a device was told of a
// place does not go back, unless members have left, and only members who have written something are told.
//
// All clocks of a history are one: what stands later in the file and happened before a receipt counts for it. That holds
// for what was written too, from when it was sent, and the rows at the end may be the first to tell its place.
func ReceiptsGrounded() Property {
	return Property{
		Name:    "receipts-grounded",
		Promise: "Nobody is told that more members have or have read a message than did before.",
		New: func(n Names) Checker {
			return &receiptsGrounded{evidence: evidence{names: n}, numbers: map[seat]int32{}, told: map[toldOf]counts{}}
		},
	}
}

// What is counted.
const (
	delivered = iota
	read
)

// counts are of members, by what is counted.
type counts [2]int32

// reached is how far a user has come, by what is counted.
type reached struct {
	places [2]int64
	number int32 // among the users of the conversation
}

type receiptsGrounded struct {
	evidence
	devices ledger.Devices
	rooms   ledger.Rows[counted]       // by conversation
	cursors ledger.Pairs[reached]      // of (conversation, user)
	members ledger.Pairs[bool]         // of (conversation, user): was in it once
	writers ledger.Pairs[bool]         // of (conversation, user)
	sends   ledger.Rows[time.Duration] // by client_msg_id
	numbers map[seat]int32             // of placed
	placed  []placed
	first   ledger.Pairs[observed] // of (conversation, device)
	told    map[toldOf]counts      // the most that a device was told of a place
	back    []wentBack
	seen    int64
}

// counted is one conversation.
type counted struct {
	users  []int32 // who have come somewhere, by their numbers in cursors
	newest int64   // place shown
	known  bool    // the history says who is in it
	read   bool    // its rows are known
	left   int32   // how often somebody left
	open   []claim // in the order of their times
}

// seat names a place, and placed is what is known of it.
type (
	seat struct {
		conversation history.ID
		seq          int64
	}
	placed struct {
		sender  history.ID
		true    counts // when they were counted last
		claimed counts // the most that is open
	}
)

// claim is a receipt that says more than the history does so far; one for each place and count.
type claim struct {
	at     time.Duration
	device history.ID
	number int32
	seq    int64
	what   int
	says   int32
	have   ledger.Bits // of users, by number
}

// observed is what one device was told of a conversation.
type observed struct {
	at     time.Duration // first
	newest int64
}

type toldOf struct {
	observer int32
	seq      int64
}

type wentBack struct {
	e    history.Event
	by   int32
	most counts
}

func (c *receiptsGrounded) Observe(e *history.Event) {
	switch e.Kind {
	case history.Shown:
		c.place(e)
		c.advance(e, delivered)
	case history.Stored:
		c.place(e)
	case history.StoreRead:
		c.rooms.Of(e.Conversation).read = true
	case history.MarkedRead:
		c.advance(e, read)
	case history.Receipt:
		c.judge(e)
	case history.Send:
		*c.writers.Of(e.Conversation, e.Sender) = true
		*c.sends.Of(e.ClientMsg) = e.At
	case history.Joined:
		c.rooms.Of(e.Conversation).known = true
		*c.members.Of(e.Conversation, e.User) = true
	case history.Left:
		c.rooms.Of(e.Conversation).left++
	case history.DeviceKnown:
		c.devices.Observe(e, c.names)
	}
}

// advance moves a device's user forward.
func (c *receiptsGrounded) advance(e *history.Event, what int) {
	if device := c.devices.Find(e.Device); device != nil {
		room := c.rooms.Of(e.Conversation)
		if what == delivered {
			room.newest = max(room.newest, e.Seq)
		}
		c.reach(room, e.Conversation, device.Owner, what, e.Seq, e.At)
	}
}

// place notes whose it is: who writes has read what stands before, and has it.
func (c *receiptsGrounded) place(e *history.Event) {
	if e.Seq <= 0 || e.Sender == 0 {
		return
	}
	p := &c.placed[c.number(e)]
	if p.sender != 0 {
		return
	}
	p.sender = e.Sender
	*c.writers.Of(e.Conversation, e.Sender) = true
	var at time.Duration // of what the system writes nobody knows: it counts for every claim
	if sent := c.sends.Find(e.Identity()); sent != nil {
		at = *sent
	}
	room := c.rooms.Of(e.Conversation)
	for what := range (counts{}) {
		c.reach(room, e.Conversation, e.Sender, what, e.Seq, at)
	}
}

// reach moves a user forward, and lets that count for claims which were made later and stand before it in the file.
func (c *receiptsGrounded) reach(room *counted, conversation, user history.ID, what int, seq int64, at time.Duration) {
	known := len(c.cursors.All)
	n := c.cursors.Number(conversation, user)
	u := &c.cursors.All[n]
	if int(n) == known {
		u.number = int32(len(room.users))
		room.users = append(room.users, n)
	}
	u.places[what] = max(u.places[what], seq)
	for i := len(room.open) - 1; i >= 0 && room.open[i].at >= at; i-- {
		if o := &room.open[i]; o.what == what && o.seq <= seq && c.placed[o.number].sender != user {
			o.have.Set(u.number)
		}
	}
}

func (c *receiptsGrounded) number(e *history.Event) int32 {
	key := seat{e.Conversation, e.Seq}
	n, ok := c.numbers[key]
	if !ok {
		n = int32(len(c.placed))
		c.numbers[key] = n
		c.placed = append(c.placed, placed{})
	}
	return n
}

func (c *receiptsGrounded) judge(e *history.Event) {
	c.seen++
	if e.ReadBy > e.Delivered || int64(e.Delivered) > e.Count {
		c.event(e, "who has read it has it, and is a member")
	}
	c.follow(e)
	room, n := c.rooms.Of(e.Conversation), c.number(e)
	p := &c.placed[n]
	for what, says := range (counts{e.Delivered, e.ReadBy}) {
		if says <= p.true[what] || says <= p.claimed[what] {
			continue
		}
		have := c.count(room, what, e.Seq, p.sender)
		if p.true[what] = int32(have.Count()); says > p.true[what] {
			p.claimed[what] = says
			room.claim(claim{e.At, e.Device, n, e.Seq, what, says, have})
		}
	}
}

// follow holds a receipt against what the device was told before.
func (c *receiptsGrounded) follow(e *history.Event) {
	o := c.first.Number(e.Conversation, e.Device)
	observer := &c.first.All[o]
	if observer.newest == 0 {
		observer.at = e.At
	}
	observer.newest = max(observer.newest, e.Seq)
	key := toldOf{o, e.Seq}
	most := c.told[key]
	if by := max(most[delivered]-e.Delivered, most[read]-e.ReadBy); by > 0 {
		c.back = append(c.back, wentBack{*e, by, most})
	}
	c.told[key] = counts{max(most[delivered], e.Delivered), max(most[read], e.ReadBy)}
}

// count walks over the users of a conversation; each place's count is asked for only when it is said to have grown.
func (c *receiptsGrounded) count(room *counted, what int, seq int64, but history.ID) (who ledger.Bits) {
	for i, u := range room.users {
		if c.cursors.All[u].places[what] >= seq && c.cursors.Keys[u].B != but {
			who.Set(int32(i))
		}
	}
	return who
}

func (r *counted) claim(new claim) {
	at := sort.Search(len(r.open), func(i int) bool { return r.open[i].at > new.at })
	r.open = slices.Insert(r.open, at, new)
}

func (c *receiptsGrounded) Verdict() Verdict {
	open := c.claims()
	for _, b := range c.back {
		if b.by > c.rooms.Of(b.e.Conversation).left {
			c.event(&b.e, "it was told %d delivered and %d read before", b.most[delivered], b.most[read])
		}
	}
	for n, o := range c.first.All {
		c.observer(c.first.Keys[n], o)
	}
	expected := "no receipt that says more than was true, less than the one before, or something to a stranger"
	switch {
	case c.seen == 0:
		return unknown(expected, "no device was told of a receipt")
	case open > 0 && c.breaks == 0:
		return unknown(expected, "%d receipts say more than what was shown, and the store was not read at the end", open)
	}
	return c.verdict(expected, "%s in %s", count(c.breaks, "break"), count(c.seen, "receipt"))
}

// claims judges those that are still open, and counts those of conversations whose rows are not known.
func (c *receiptsGrounded) claims() (undecided int64) {
	for n, room := range c.rooms.All {
		for _, o := range room.open {
			switch have := o.have.Count(); {
			case int64(o.says) <= have:
			case !room.read:
				undecided++
			default:
				what := [2]string{"have", "have read"}[o.what]
				c.add(o.at, "%v was told that %d members %v seq %d of %v: it was %d", o.device, o.says, what, o.seq, c.rooms.IDs[n], have)
			}
		}
	}
	return undecided
}

// observer judges whether a device should have been told at all.
func (c *receiptsGrounded) observer(key ledger.Pair, o observed) {
	conversation, room := key.A, c.rooms.Of(key.A)
	device := c.devices.Find(key.B)
	switch {
	case o.newest > room.newest:
		c.add(o.at, "%v was told of seq %d of %v, where nobody has shown more than %d", key.B, o.newest, conversation, room.newest)
	case device == nil || !room.known:
	case c.members.Find(conversation, device.Owner) == nil:
		c.add(o.at, "%v was told of receipts in %v, in which its owner never was", key.B, conversation)
	case c.writers.Find(conversation, device.Owner) == nil:
		c.add(o.at, "%v was told of receipts in %v, in which its owner has written nothing", key.B, conversation)
	}
}
