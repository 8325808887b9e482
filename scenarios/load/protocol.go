// Package load holds thousands of devices in child processes of this very binary, because one process has only so many descriptors.
//
// A load process reads orders from its standard input and tells on its standard output what came of them. It ends with its
// input, and so with its parent.
package load

import (
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

// Setup is the first thing that a load process reads. It holds for all its devices.
type Setup struct {
	EdgeURL     string
	Names       map[string]string // addresses that stand for announced ones
	Reconnect   string
	HeartbeatBy string
	Sync        string
	NoReceipts  bool
	Final       []chat.Code // refusals after which a phone does not send again, besides those that always are
	Defects     client.Defects
	AtOnce      int // idle devices that connect together at first; later each comes back by itself
	Seed        uint64
}

// Login is one device's user.
type Login struct {
	User  chat.ID
	Token string
	Watch []chat.ID // whose presence it subscribes to
	Seed  [2]uint64 // of a phone's waits; an idle device draws from the process's
}

// order is everything further: idle devices to connect, a request to collect garbage before the next report, or one to a
// phone.
type order struct {
	Connect []Login
	Collect bool
	Call    *call
}

// call asks something of a phone. All but Make and Cancel are answered under their number.
type call struct {
	Phone  int
	Number int64
	Cancel int64 // the number of a call for which nobody waits any more
	Make   *Login
	Run    bool // until it is cancelled
	Send   *sending
	Read   *chat.Position
}

type sending struct {
	Conversation chat.ID
	Content      string
}

// told is what a load process tells: reports ten times a second, and words at once.
type told struct {
	Report *Report
	Words  []word // in the order in which things happened
}

// word is what happened to a phone, or what came of a call.
type word struct {
	Phone  int
	Event  *client.Event
	Answer *answer
}

// answer says how a call ended.
type answer struct {
	Number   int64
	Failed   bool
	Error    string
	Outcome  client.Kind // of a send
	Attempts int         // of it
}

// Report is what a load process tells ten times a second. Counts are since it began.
type Report struct {
	At         int64 // unix time
	Connected  int
	Lost       int     // connections that ended against their device's will
	Back       int     // of those devices, returns
	Waits      []int64 // of the returns since the last report: from the loss until back
	Failed     int     // attempts to connect
	Trouble    Reasons // why, without what differs from device to device
	HeapBytes  uint64
	Stacks     uint64
	Goroutines int
	Collected  int // collections of garbage that were asked for and are done
}

// Reasons counts failures by their texts.
type Reasons map[string]int

// maxReasons bounds the texts that are told apart.
const maxReasons = 20

// Add counts a text n more times.
func (r Reasons) Add(text string, n int) {
	if _, known := r[text]; !known && len(r) >= maxReasons {
		text = "other"
	}
	r[text] += n
}

// reportEvery is the rhythm of the reports.
const reportEvery = 100 * time.Millisecond
