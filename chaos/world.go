// Package chaos holds faults as printable values, their schedule, and the run that undoes them for certain and proves it.
package chaos

import (
	"context"
	"time"

	"github.com/chatlab/chatlab/chaos/relay"
)

// World is what faults act on; an environment implements it. Its methods are called from several goroutines. Names are those
// of pods and of the stores' nodes.
type World interface {
	// Kill ends a process as a crash does, Stop in order (SIGTERM); both return when it has ended, and one that does not run stays so.
	Kill(ctx context.Context, name string) error
	Stop(ctx context.Context, name string) error
	// Start brings a process back and returns when it listens. One that runs stays so.
	Start(ctx context.Context, name string) error
	// Drain asks a pod to let its sockets go over a time and returns at once.
	Drain(ctx context.Context, name string, over time.Duration) error
	// Freeze stops a process as a long pause would: its connections live, dials succeed, nothing answers. Thaw lets it go on.
	Freeze(ctx context.Context, name string) error
	Thaw(ctx context.Context, name string) error
	// Skew sets by how much a pod's wall clock is wrong, also that of the process which takes its place.
	Skew(ctx context.Context, name string, by time.Duration) error
	// Limit bounds the memory of a process, also of one that takes its place; 0 lifts the bound. A process that is found above it
	// is killed and stays so until Start; killed is then told how much it held.
	Limit(ctx context.Context, name string, bytes int64, killed func(held int64)) error
	// Evict drops a share of the keys that a Redis holds.
	Evict(ctx context.Context, name string, percent int) error
	// Links lists the links whose ends match two patterns such as fanout-*, from the end that dials.
	Links(from, to string) []*relay.Link
	// Wires lists the ways between servers of a store, by patterns that name servers.
	Wires(from, to string) []Wire
	// Available says why this world cannot do a fault honestly; nil if it can.
	Available(Fault) error
	// Probe returns nil when a process does its work, as one who needs it sees it.
	Probe(ctx context.Context, name string) error
	// Healthy returns nil when everything works again.
	Healthy(ctx context.Context) error
}

// Lab is who plays a schedule: it measures what gates wait for, and hears what happened.
type Lab struct {
	Gauges  map[string]func(context.Context) (float64, error) // by name, of those that Gauges lists
	Observe func(Event)                                       // sees one event at a time
}

// Gauge is a figure that a gated fault waits for.
type Gauge struct{ Name, What string }

// Gauges lists them.
func Gauges() []Gauge {
	return []Gauge{
		{"lag", "records of the partition that lags most behind its fan-out worker"},
		{"sends", "sends that left a device since the workload began, retries included"},
		{"connections", "devices that are connected now"},
	}
}

// EventKind says what a trace event tells.
type EventKind int

// The kinds of trace events.
const (
	Begun   EventKind = iota
	Ended             // the fault is undone
	Healed            // after its end: what the fault broke has been seen to work
	Refused           // the fault failed to begin, or its time never came
	Noted             // something that the fault brought about meanwhile
)

func (k EventKind) String() string {
	return [...]string{"begun", "ended", "healed", "refused", "noted"}[k]
}

// Event is one trace of a fault.
type Event struct {
	Kind EventKind
	Text string // the fault's text form; of a refusal and a note also why and what
}
