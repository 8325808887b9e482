package property

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/chatlab/chatlab/scenarios/history"
)

// run makes the history of a system that keeps every promise: it drops connections and frames, repeats frames, refuses
// sends, leaves outcomes unknown, takes members in, and mends everything. pick(n) chooses one of n.
type run struct {
	rec    *history.Recorder
	pick   func(n int) int
	placed bool // messages have sequence numbers
	now    time.Duration
	events int

	devices  []*gadget
	rooms    []*room
	inFlight []intent
	serial   uint64
	reads    int // of newest pages from the store
}

type gadget struct {
	id, user  history.ID
	connected bool
	rooms     []*room
	at        map[*room]int // messages shown
	from      map[*room]int // messages before it was a member
	read      map[*room]int // messages read
	sent      map[*room]int // messages up to the last own one
}

type room struct {
	id      history.ID
	log     []note // in the conversation's order
	members []*gadget
}

type note struct{ client, message, sender history.ID }

type intent struct {
	device  *gadget
	room    *room
	n       note
	attempt int32
}

func newRun(rec *history.Recorder, placed bool, pick func(int) int) *run {
	r := &run{rec: rec, pick: pick, placed: placed}
	r.phase("steady")
	return r
}

func (r *run) emit(e history.Event) {
	r.now += time.Duration(1+r.pick(1000)) * time.Microsecond
	e.At = r.now
	r.events++
	r.rec.Record(e)
}

func (r *run) phase(name string) {
	r.emit(history.Event{Kind: history.Phase, Text: r.rec.Text(name)})
}

// newID makes ids that are the same in each run.
func (r *run) newID() history.ID {
	r.serial++
	return r.rec.UUID(uuid.NewSHA1(uuid.Nil, fmt.Appendf(nil, "%d", r.serial)))
}

func (r *run) addDevice() *gadget {
	user := fmt.Sprintf("u%d", len(r.devices))
	d := &gadget{id: r.rec.Text(user + "/phone"), user: r.rec.Text(user), at: map[*room]int{}, from: map[*room]int{}, read: map[*room]int{}, sent: map[*room]int{}}
	r.devices = append(r.devices, d)
	r.emit(history.Event{Kind: history.DeviceKnown, Device: d.id, User: d.user})
	r.connect(d)
	return d
}

func (r *run) addRoom() *room {
	m := &room{id: r.newID()}
	r.rooms = append(r.rooms, m)
	r.emit(history.Event{Kind: history.Conversation, Conversation: m.id, Label: r.rec.Text(fmt.Sprintf("label-%d", len(r.rooms)%3))})
	return m
}

// join takes a device's user into a conversation where it stands now.
func (r *run) join(d *gadget, m *room) {
	m.members, d.rooms = append(m.members, d), append(d.rooms, m)
	d.at[m], d.from[m] = len(m.log), len(m.log)
	r.emit(history.Event{Kind: history.Joined, Conversation: m.id, User: d.user, Seq: int64(len(m.log) + 1)})
}

func (r *run) connect(d *gadget) {
	d.connected = true
	r.emit(history.Event{Kind: history.Connected, Device: d.id})
	for _, m := range d.rooms {
		r.catchUp(d, m)
	}
}

func (r *run) disconnect(d *gadget) {
	d.connected = false
	r.emit(history.Event{Kind: history.Disconnected, Device: d.id, CloseCode: int32(1000 * r.pick(2))})
}

func (r *run) send(d *gadget, m *room) {
	n := note{r.newID(), 0, d.user}
	r.emit(history.Event{Kind: history.Send, Device: d.id, Sender: d.user, Conversation: m.id, ClientMsg: n.client, Intended: r.now})
	r.emit(history.Event{Kind: history.Attempt, Device: d.id, ClientMsg: n.client, Attempt: 1})
	r.inFlight = append(r.inFlight, intent{d, m, n, 1})
}

// finish ends one of the sends in flight, in any order.
func (r *run) finish(outcome int) {
	i := r.pick(len(r.inFlight))
	s := r.inFlight[i]
	r.inFlight = append(r.inFlight[:i], r.inFlight[i+1:]...)
	end := history.Event{Device: s.device.id, ClientMsg: s.n.client}
	switch {
	case outcome < 12:
		end.Kind, end.Message = history.Acked, r.newID()
		s.n.message = end.Message
		r.place(s)
		r.emit(end)
		r.push(s.room)
	case outcome == 12:
		end.Kind, end.Code, end.RetryAfter = history.Refused, r.rec.Text("group_rate_limited"), time.Second
		r.emit(end)
	case outcome == 13:
		end.Kind = history.Unsent
		r.emit(end)
	default:
		if outcome == 14 {
			s.n.message = r.newID()
			r.place(s)
		}
		end.Kind = history.Unknown
		r.emit(end)
		r.push(s.room)
	}
}

func (r *run) place(s intent) {
	s.room.log = append(s.room.log, s.n)
	s.device.sent[s.room] = len(s.room.log)
}

// push brings a conversation's news to its members' devices; a frame may be lost or come twice.
func (r *run) push(m *room) {
	for _, d := range m.members {
		switch fate := r.pick(20); {
		case !d.connected || d.at[m] == len(m.log):
		case fate == 0: // lost
		default:
			if fate == 1 {
				r.emit(r.sighting(history.Raw, d, m, len(m.log)-1))
			}
			r.catchUp(d, m)
		}
	}
}

// catchUp shows a device everything that it lacks.
func (r *run) catchUp(d *gadget, m *room) {
	missing := len(m.log) - d.at[m]
	if missing > 1 && r.placed {
		r.emit(history.Event{Kind: history.Gap, Device: d.id, Conversation: m.id, Seq: int64(d.at[m] + 1), Until: int64(len(m.log) - 1)})
	}
	for ; d.at[m] < len(m.log); d.at[m]++ {
		r.emit(r.sighting(history.Raw, d, m, d.at[m]))
		r.emit(r.sighting(history.Shown, d, m, d.at[m]))
	}
	if missing > 1 && r.placed {
		r.emit(history.Event{Kind: history.GapFilled, Device: d.id, Conversation: m.id, Seq: int64(len(m.log))})
	}
}

// mark has a device's user read what it shows.
func (r *run) mark(d *gadget, m *room) {
	if r.placed && d.at[m] > d.from[m] {
		d.read[m] = d.at[m]
		r.emit(history.Event{Kind: history.MarkedRead, Device: d.id, Conversation: m.id, Seq: int64(d.at[m])})
		r.emit(history.Event{Kind: history.ReadTaken, Device: d.id, Conversation: m.id, Seq: int64(d.at[m])})
	}
}

// tellUnread tells a device's user what is unread.
func (r *run) tellUnread(d *gadget, m *room) {
	if r.placed {
		last := len(m.log)
		unread := last - max(d.read[m], d.sent[m], d.from[m])
		r.emit(history.Event{Kind: history.Unread, Device: d.id, Conversation: m.id, Seq: int64(last), Count: int64(unread)})
	}
}

// tell tells the sender of one of the newest places that somebody shows how many have it and have read it. Who writes has
// read what stands before.
func (r *run) tell(m *room) {
	if !r.placed || len(m.log) == 0 {
		return
	}
	i := len(m.log) - 1 - r.pick(min(len(m.log), 16))
	e := history.Event{Kind: history.Receipt, Conversation: m.id, Seq: int64(i + 1), Count: int64(len(m.members) - 1)}
	somebody := false
	for _, d := range m.members {
		shows := d.at[m] > max(i, d.from[m])
		somebody = somebody || shows
		switch {
		case d.user == m.log[i].sender:
			e.Device = d.id
		case max(d.read[m], d.sent[m]) > i:
			e.ReadBy++
			e.Delivered++
		case shows:
			e.Delivered++
		}
	}
	if somebody {
		r.emit(e)
	}
}

// crowd has all members open a conversation together. If the cache does not have it one read of the store serves most of them,
// and a second one the others.
func (r *run) crowd(m *room) {
	r.countReads(r.pick(4)) // by those who came alone
	for _, d := range m.members {
		r.emit(history.Event{Kind: history.Opening, Device: d.id, Conversation: m.id})
	}
	for _, d := range m.members {
		r.emit(history.Event{Kind: history.Opened, Device: d.id, Conversation: m.id, Count: int64(min(len(m.log), 20))})
	}
	r.countReads(r.pick(3))
}

func (r *run) countReads(more int) {
	r.reads += more
	r.emit(history.Event{Kind: history.Metric, Text: r.rec.Text(NewestReads), Value: float64(r.reads), Unit: r.rec.Text("reads")})
}

// sighting is a view of the i-th message of a conversation.
func (r *run) sighting(k history.Kind, d *gadget, m *room, i int) history.Event {
	n := m.log[i]
	e := history.Event{Kind: k, Conversation: m.id, ClientMsg: n.client, Message: n.message, Sender: n.sender}
	if d != nil {
		e.Device = d.id
	}
	if r.placed {
		e.Seq = int64(i + 1)
	}
	return e
}

// end brings everything to rest and reads the store, and history on the devices that want it.
func (r *run) end(reads func(*gadget) bool) {
	for len(r.inFlight) > 0 {
		r.finish(0)
	}
	for _, d := range r.devices {
		if d.connected {
			for _, m := range d.rooms {
				r.catchUp(d, m)
			}
		}
	}
	r.phase("end")
	for _, m := range r.rooms {
		for i := range m.log {
			e := r.sighting(history.Stored, nil, m, i)
			e.Order, e.Offset = int64(i+1), int64(100+i)
			r.emit(e)
		}
		r.emit(history.Event{Kind: history.StoreRead, Conversation: m.id, Count: int64(len(m.log))})
	}
	for _, d := range r.devices {
		for _, m := range d.rooms {
			if reads(d) {
				r.read(d, m)
				r.tellUnread(d, m)
			}
		}
	}
}

// read lists what a device's user may see of a conversation.
func (r *run) read(d *gadget, m *room) {
	for i := d.from[m]; i < len(m.log); i++ {
		r.emit(r.sighting(history.Read, d, m, i))
	}
	r.emit(history.Event{Kind: history.HistoryRead, Device: d.id, Conversation: m.id, Count: int64(len(m.log))})
}
