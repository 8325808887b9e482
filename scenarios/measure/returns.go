package measure

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// Names of what is sampled at moments of a device's return; the label is "moment: what", and a value counts since the
// beginning.
const (
	StoreReads  = "return_reads" // of message pods; what: the call that they were for
	DeviceBytes = "return_bytes" // on the device's connections; what: in or out
)

// Moments of a return.
const (
	MomentReturn = "return" // just before
	MomentScreen = "first screen"
	MomentSynced = "synced" // nothing is known to be missing any more
)

// screenConversations are those that a first screen shows (document).
const screenConversations = 20

// Return is how a device came back that had left by its own wish.
type Return struct {
	Devices       int64  `json:"devices"`        // that came back; the figures are of the first
	Conversations int64  `json:"conversations"`  // in which it missed something
	Missed        int64  `json:"missed"`         // messages
	Shown         int64  `json:"shown"`          // of those, by the deadline
	Screen        Number `json:"first_screen_s"` // until the newest message of each of the 20 newest conversations was to be seen
	Synced        Number `json:"synced_s"`       // until the last missed message was shown
	Listed        int64  `json:"listed"`         // conversations on the first screen
	Counted       int64  `json:"counted"`        // of those, with the right number of unread messages
	ScreenReads   Number `json:"screen_reads"`   // from the store, by the call that fetches a first screen
	ScreenBytes   Number `json:"screen_bytes"`   // in both directions
	SyncReads     Number `json:"sync_reads"`
	SyncBytes     Number `json:"sync_bytes"`
	Calls         []Call `json:"calls"`
}

// Call is what one kind of call read from the store during the return.
type Call struct {
	Name  string `json:"name"`
	Reads Number `json:"reads"`
}

// returning follows the first device that comes back.
type returning struct {
	device  history.ID
	start   time.Duration
	missed  map[history.ID]bool       // by identity: not yet shown
	unread  map[history.ID]int64      // by conversation, at the return
	newest  map[history.ID]history.ID // what a first screen must show and has not yet shown: identity by conversation
	sampled map[string]float64        // by metric and label
	n       Return
}

func newReturning() returning {
	return returning{sampled: map[string]float64{}, n: Return{Screen: None(), Synced: None(), ScreenReads: None(), ScreenBytes: None(), SyncReads: None(), SyncBytes: None()}}
}

func (r *returning) observe(e *history.Event, v *ledger.Views) {
	switch {
	case v.Devices.Ended():
	case e.Kind == history.Connecting:
		if d := v.Devices.Find(e.Device); d != nil && d.Left() && e.Attempt <= 1 {
			if r.n.Devices++; r.n.Devices == 1 {
				r.begin(e, v, d.Owner)
			}
		}
	case e.Kind == history.Metric:
		if name := v.Names(e.Text); name == StoreReads || name == DeviceBytes {
			r.sampled[name+" "+v.Names(e.Label)] = e.Value
		}
	case r.n.Devices == 0 || e.Device != r.device:
	case e.Kind == history.Shown, e.Kind == history.Glimpsed:
		r.see(e)
	case e.Kind == history.Listed:
		if r.n.Listed++; e.Count == r.unread[e.Conversation] {
			r.n.Counted++
		}
	}
}

// begin notes what a device lacks in the moment of its return.
func (r *returning) begin(e *history.Event, v *ledger.Views, owner history.ID) {
	r.device, r.start = e.Device, e.At
	for label := range r.sampled {
		if !strings.Contains(label, " "+MomentReturn+": ") {
			delete(r.sampled, label) // of an earlier first screen
		}
	}
	r.missed, r.unread, r.newest = map[history.ID]bool{}, map[history.ID]int64{}, map[history.ID]history.ID{}
	type head struct {
		conversation, identity history.ID
		at                     time.Duration
	}
	var heads []head
	for _, key := range v.Members.Keys {
		book := v.Books.Find(key.A)
		if key.B != owner || book == nil {
			continue
		}
		have := v.Views.Of(e.Device, key.A).Shown
		h := head{conversation: key.A}
		book.Acked.Without(have, func(local int32) {
			number := book.Messages[local]
			id, m := v.Messages.IDs[number], &v.Messages.All[number]
			r.missed[id] = true
			r.unread[key.A]++
			if h.identity == 0 || m.Intended > h.at {
				h.identity, h.at = id, m.Intended
			}
		})
		if h.identity != 0 {
			heads = append(heads, h)
		}
	}
	slices.SortFunc(heads, func(a, b head) int { return cmp.Compare(b.at, a.at) })
	for _, h := range heads[:min(len(heads), screenConversations)] {
		r.newest[h.conversation] = h.identity
	}
	r.n.Conversations, r.n.Missed = int64(len(heads)), int64(len(r.missed))
}

func (r *returning) see(e *history.Event) {
	id := e.Identity()
	if r.newest[e.Conversation] == id {
		if delete(r.newest, e.Conversation); len(r.newest) == 0 {
			r.n.Screen = seconds(e.At - r.start)
		}
	}
	if e.Kind == history.Shown && r.missed[id] {
		delete(r.missed, id)
		if r.n.Shown++; len(r.missed) == 0 {
			r.n.Synced = seconds(e.At - r.start)
		}
	}
}

// screenCall is the call by which a device gets its first screen.
const screenCall = "Inbox"

func (r *returning) result() Return {
	n := r.n
	if n.Devices == 0 {
		return n
	}
	before, synced := StoreReads+" "+MomentReturn+": ", StoreReads+" "+MomentSynced+": "
	if reads, ok := r.sampled[StoreReads+" "+MomentScreen+": "+screenCall]; ok {
		n.ScreenReads = Number(reads - r.sampled[before+screenCall])
	}
	for label, value := range r.sampled {
		if call, ok := strings.CutPrefix(label, synced); ok {
			reads := value - r.sampled[before+call]
			n.SyncReads = plus(n.SyncReads, reads)
			if reads > 0 {
				n.Calls = append(n.Calls, Call{call, Number(reads)})
			}
		}
	}
	slices.SortFunc(n.Calls, func(a, b Call) int { return cmp.Compare(a.Name, b.Name) })
	n.ScreenBytes, n.SyncBytes = r.bytes(MomentScreen), r.bytes(MomentSynced)
	return n
}

func plus(n Number, x float64) Number {
	if n != n {
		return Number(x)
	}
	return n + Number(x)
}

// bytes are those between the return and a moment.
func (r *returning) bytes(moment string) Number {
	n := None()
	for _, way := range []string{"in", "out"} {
		if value, ok := r.sampled[DeviceBytes+" "+moment+": "+way]; ok {
			n = plus(n, value-r.sampled[DeviceBytes+" "+MomentReturn+": "+way])
		}
	}
	return n
}

// momentary says whether a metric is sampled at moments, so that it has no course.
func momentary(metric string) bool { return metric == StoreReads || metric == DeviceBytes }
