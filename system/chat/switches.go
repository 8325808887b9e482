package chat

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Write paths.
const (
	WriteNaive    = "naive"    // three awaited writes by any pod, order by its clock: the document's pseudocode
	WriteParallel = "parallel" // the same writes made honest: acknowledged when both durable ones are done
	WriteLogFirst = "logfirst" // the log decides
)

// Replicas that have a record of the log before it counts as written.
const (
	AcksAll    = "all"    // those in sync: none of them can lose it alone
	AcksLeader = "leader" // one
)

// Ways in which a gateway lets its sockets go.
const (
	DrainPaced  = "paced"
	DrainAtOnce = "at_once"
)

// Ways in which a device comes back.
const (
	SyncNewest = "newest"
	SyncFull   = "full"
)

// Switches are the mitigations, one field each, so that an experiment can turn off exactly one.
type Switches struct {
	WritePath    string        `json:"write_path"`
	BatchedPush  bool          `json:"batched_push"`         // one lookup and one ordered stream per gateway instead of a call per recipient
	DirectPush   bool          `json:"direct_push"`          // a gateway pushes to its own sockets without asking the log
	SingleFlight bool          `json:"single_flight"`        // one store read for many who wait for the same page
	GroupLimit   float64       `json:"group_limit"`          // messages/s per conversation; 0: none
	GroupQueue   int           `json:"group_queue"`          // sends that may wait for the limit
	GroupWait    time.Duration `json:"group_wait"`           // how long a send may wait for the limit
	Reconnect    string        `json:"reconnect"`            // "jitter": exponential backoff with full jitter; "immediate"
	HeartbeatBy  string        `json:"heartbeat_by"`         // "gateway": refreshed in batches for sockets that live; "client": PUT presence
	Fallback     bool          `json:"presence_fallback"`    // ask every gateway who is connected when presence does not answer
	Doubt        bool          `json:"doubt_young_presence"` // ask the gateways, too, while the presence store is younger than its TTL: it came back empty
	Breaker      bool          `json:"breaker"`              // leave a store that does not answer alone for a while instead of waiting for each call
	Receipts     bool          `json:"receipts"`             // delivered and read cursors, and what senders are told of them
	Inbox        bool          `json:"inbox"`                // each member's row names the newest place of a small conversation: one read tells what is new in all
	Sync         string        `json:"sync"`                 // of a device that comes back: "newest": a first screen, and the rest in the background; "full": everything at once
	Drain        string        `json:"drain"`                // "paced": sockets leave one after the other; "at_once"
	ShedAt       float64       `json:"shed_at"`              // share of its memory limit from which a gateway takes no more connections; 0: never
	Acks         string        `json:"acks,omitempty"`       // who has a record before it counts as written: "all", also when left out, or "leader"

	// DriverDefaults leaves to the drivers of Kafka's producers and of Cassandra how long they wait, how often they try again and
	// when they look for a node that was away.
	DriverDefaults bool `json:"driver_defaults,omitempty"`

	// Mutant names a defect of Mutants. Never set outside a test.
	Mutant string `json:"mutant,omitempty"`
}

// Mutants names the defects that a role can be given on purpose, so that mutation tests can prove that what is promised
// is also looked at.
func Mutants() []string {
	return []string{
		"lost_write", "late_write", "ghost_write", "write_refused", "refuse_some", "refusal_mute", "history_skips", "history_to_outsider", // of message pods
		"ack_early", "read_forgotten", "reads_unshared", // and of those, too
		"placed_twice", "row_lost", "row_backdated", "push_lost", "push_twice", "push_late", "slow_push", "seq_by_gateway", "push_to_removed", // of fan-out workers
		"cache_stale",                            // and of those, too
		"receipt_at_push", "read_when_delivered", // and of what they tell senders
		"push_shy", "push_blind", // of push pods
		"online_for_ever", "arrivals_untold", // of gateways
	}
}

// Profiles in the order of what they promise.
const (
	ProfileDocument  = "document"  // the document without its mitigations
	ProfileMitigated = "mitigated" // the document with its mitigations, made honest
	ProfileHardened  = "hardened"  // what keeps the promises
)

// Profile returns the switches of a named profile.
func Profile(name string) (Switches, error) {
	switch name {
	case ProfileDocument:
		return Switches{WritePath: WriteNaive, DirectPush: true, Reconnect: "immediate", HeartbeatBy: "client", Sync: SyncFull, Drain: DrainAtOnce}, nil
	case ProfileMitigated:
		return Switches{
			WritePath: WriteParallel, BatchedPush: true, DirectPush: true, SingleFlight: true, Reconnect: "jitter", HeartbeatBy: "gateway", Sync: SyncNewest,
			GroupLimit: 10, GroupQueue: 20, GroupWait: 2 * time.Second, Fallback: true, Breaker: true, Receipts: true, Drain: DrainPaced, ShedAt: 0.8,
		}, nil
	case ProfileHardened:
		return Switches{
			WritePath: WriteLogFirst, BatchedPush: true, SingleFlight: true, Reconnect: "jitter", HeartbeatBy: "gateway", Inbox: true, Sync: SyncNewest,
			GroupLimit: 10, GroupQueue: 20, GroupWait: 2 * time.Second, Fallback: true, Doubt: true, Breaker: true, Receipts: true, Drain: DrainPaced, ShedAt: 0.8,
		}, nil
	}
	return Switches{}, fmt.Errorf("profile %q is unknown: want %s, %s or %s", name, ProfileDocument, ProfileMitigated, ProfileHardened)
}

// Validate refuses switches that name what does not exist.
func (s Switches) Validate() error {
	switch {
	case s.WritePath != WriteNaive && s.WritePath != WriteParallel && s.WritePath != WriteLogFirst:
		return fmt.Errorf("write_path %q is unknown: want %s, %s or %s", s.WritePath, WriteNaive, WriteParallel, WriteLogFirst)
	case s.Reconnect != "jitter" && s.Reconnect != "immediate":
		return fmt.Errorf("reconnect %q is unknown: want jitter or immediate", s.Reconnect)
	case s.HeartbeatBy != "gateway" && s.HeartbeatBy != "client":
		return fmt.Errorf("heartbeat_by %q is unknown: want gateway or client", s.HeartbeatBy)
	case s.Sync != "" && s.Sync != SyncNewest && s.Sync != SyncFull:
		return fmt.Errorf("sync %q is unknown: want %s or %s", s.Sync, SyncNewest, SyncFull)
	case s.Doubt && !s.Fallback:
		return fmt.Errorf("doubt_young_presence wants presence_fallback: it asks the gateways")
	case s.Inbox && s.WritePath != WriteLogFirst:
		return fmt.Errorf("inbox wants write_path %s: only the log gives the places that it names", WriteLogFirst)
	case s.Drain != "" && s.Drain != DrainPaced && s.Drain != DrainAtOnce:
		return fmt.Errorf("drain %q is unknown: want %s or %s", s.Drain, DrainPaced, DrainAtOnce)
	case s.Acks != "" && s.Acks != AcksAll && s.Acks != AcksLeader:
		return fmt.Errorf("acks %q is unknown: want %s or %s", s.Acks, AcksAll, AcksLeader)
	case s.ShedAt < 0 || s.ShedAt > 1:
		return fmt.Errorf("shed_at %g: want a share from 0 to 1", s.ShedAt)
	case s.GroupLimit < 0 || s.GroupQueue < 0 || s.GroupWait < 0:
		return fmt.Errorf("group_limit, group_queue and group_wait must not be negative")
	case s.Mutant != "" && !slices.Contains(Mutants(), s.Mutant):
		return fmt.Errorf("mutant %q is unknown: want one of %s", s.Mutant, strings.Join(Mutants(), ", "))
	}
	return nil
}
