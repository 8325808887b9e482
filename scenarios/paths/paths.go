// Package paths plays every write path under every fault that tells them apart and shows which promises each keeps.
package paths

import (
	"strings"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/property"
	"github.com/chatlab/chatlab/system/chat"
)

// Fault is what goes wrong while a write path is under load.
type Fault struct {
	Name     string
	What     string
	Schedule string // text form of a chaos.Schedule
}

// Faults lists them. Each begins in the steady load's middle and ends before the load does.
func Faults() []Fault {
	return []Fault{
		{Name: "none", What: "nothing goes wrong"},
		{Name: "kill", What: "a message pod is killed with sends in flight",
			Schedule: "at 0s latency message-*<->kafka-* 40ms\nat 2s kill message-1 for 1s"},
		{Name: "no storage", What: "message pods do not reach Cassandra for 2 s", Schedule: "at 2s cut message-*<->cassandra-* for 2s"},
		{Name: "no log", What: "message pods do not reach Kafka for 2 s", Schedule: "at 2s cut message-*<->kafka-* for 2s"},
		{Name: "no cache", What: "nobody reaches the message cache for 2 s", Schedule: "at 2s cut *<->redis-cache for 2s"},
		{Name: "skew", What: "the clock of one message pod is 500 ms ahead, and the other takes over from it",
			Schedule: "at 0s skew message-1 500ms\nat 2s kill message-1 for 1s"},
	}
}

// takesOver says that conversations move to another message pod.
func (f Fault) takesOver() bool { return strings.Contains(f.Schedule, "kill message-") }

// Cell is one write path under one fault.
type Cell struct {
	Path  string
	Fault Fault
}

// Name names the cell.
func (c Cell) Name() string { return c.Path + " " + c.Fault.Name }

// All lists every cell, path by path.
func All() (cells []Cell) {
	for _, path := range []string{chat.WriteNaive, chat.WriteParallel, chat.WriteLogFirst} {
		for _, f := range Faults() {
			cells = append(cells, Cell{path, f})
		}
	}
	return cells
}

// Smoke lists few cells that say in seconds whether the way from a write path to its verdict is open: one that promises
// everything, and one whose damage is certain.
func Smoke() (cells []Cell) {
	for _, c := range All() {
		if c.Name() == chat.WriteLogFirst+" no storage" || c.Name() == chat.WriteNaive+" no log" {
			cells = append(cells, c)
		}
	}
	return cells
}

// variant is the hardened system but for the write path, so that nothing else makes a difference.
func (c Cell) variant() scenarios.Variant {
	sw, err := chat.Profile(chat.ProfileHardened)
	if err != nil {
		panic(err) // the name is ours
	}
	sw.WritePath, sw.Inbox = c.Path, c.Path == chat.WriteLogFirst // without the log nothing names the newest place
	v := scenarios.Variant{Name: c.Name(), Description: c.Fault.What, Switches: sw, Expect: c.expect()}
	if c.Fault.Schedule != "" {
		v.Faults = func(scenarios.Size) string { return c.Fault.Schedule }
	}
	return v
}

// expect says what becomes of each promise: it must hold where nothing else is said.
func (c Cell) expect() map[string]scenarios.Expectation {
	out := map[string]scenarios.Expectation{}
	for _, p := range property.Promises() {
		out[p.Name] = c.expectOf(p.Name)
	}
	return out
}
