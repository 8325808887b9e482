// Package load holds thousands of devices in child processes of this very binary, because one process has only so many descriptors.
package load

import (
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// Setup is the first line that a load process reads.
type Setup struct {
	EdgeURL     string            `json:"edge_url"`
	Names       map[string]string `json:"names"` // addresses that stand for announced ones
	Reconnect   string            `json:"reconnect"`
	HeartbeatBy string            `json:"heartbeat_by"`
	AtOnce      int               `json:"at_once"` // devices that connect together at first; later each comes back by itself
	Seed        uint64            `json:"seed"`
}

// Login is one device's user. Every process makes its own device names.
type Login struct {
	User  chat.ID `json:"user"`
	Token string  `json:"token"`
}

// order is every further line: devices to connect, or a request to collect garbage before the next report.
type order struct {
	Connect []Login `json:"connect,omitempty"`
	Collect bool    `json:"collect,omitempty"`
}

// Report is what a load process tells ten times a second. Counts are since it began.
type Report struct {
	At         int64   `json:"at_ms"` // unix time
	Connected  int     `json:"connected"`
	Lost       int     `json:"lost"`               // connections that ended against their device's will
	Back       int     `json:"back"`               // of those devices, returns
	Waits      []int64 `json:"waits_ms,omitempty"` // of the returns since the last report: from the loss until back
	Failed     int     `json:"failed"`             // attempts to connect
	Trouble    Reasons `json:"trouble,omitempty"`  // why, without what differs from device to device
	HeapBytes  uint64  `json:"heap_bytes"`
	Stacks     uint64  `json:"stack_bytes"`
	Goroutines int     `json:"goroutines"`
	Collected  int     `json:"collected"` // collections of garbage that were asked for and are done
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
