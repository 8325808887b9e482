// Package scenarios plays what-if questions against the real system and judges what happened.
package scenarios

import (
	"fmt"
	"strings"
	"time"

	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/scenarios/property"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// Size says how big a run is: small takes seconds, document has the reference design's own numbers.
type Size string

// The sizes.
const (
	Small    Size = "small"
	Document Size = "document"
)

// ParseSize reads a size.
func ParseSize(s string) (Size, error) {
	if s == string(Small) || s == string(Document) {
		return Size(s), nil
	}
	return "", fmt.Errorf("size %q is unknown: want %s or %s", s, Small, Document)
}

// Scenario is a question with everything that is needed to answer it.
type Scenario struct {
	Name     string
	Question string // as an interviewer asks it
	Claims   []Claim
	Topology Topology
	Play     func(Size) Play
	Variants []Variant
}

// Claim is a sentence of the reference design in our own words, with the measure that speaks about it.
type Claim struct {
	ID   string
	Text string
	// Judge answers from the results of the variants that ran.
	Judge func([]Result) ClaimResult
}

// ClaimResult is what a run says of a claim.
type ClaimResult struct {
	Verdict  string // confirmed, contradicted, only if, not measured
	Why      string
	Measured []Measured
}

// Measured is a figure that a claim is held against.
type Measured struct {
	Variant, Name string
	Value         float64
	Unit          string
}

// Topology says how many pods of each role run.
type Topology struct {
	Gateways, Messages, Workers, Presences int
	Pushes                                 int // 0: nobody is notified
	Partitions                             int
}

// Play is one size's workload and its phases: steady, then fault, then recovery, then a settling time at whose end
// everything must have arrived.
type Play struct {
	Plan                    workload.Plan
	Steady, Fault, Recovery time.Duration
	Settle                  time.Duration
	Step                    time.Duration // of the timeline; 0: a second
	PresenceTTL, Heartbeat  time.Duration // 0: the document's
	Replicas                bool          // each replica of the rows is read alone at the end, before and after a repair
	Watches                 int           // users whose presence each device watches; 0: it watches nobody
	Crowd                   string        // the conversation that all its members who are there open together, again and again; empty: none
	Gateways                int           // 0: as many as the scenario's topology has
	Processes               int           // load processes that hold the devices; 0: the lab's own does
	Direct                  bool          // no relay between devices and pods: where the load needs the cores, and no fault their links
	Scale                   []Scale
}

// Scale is a number of the document that this size departs from, and why.
type Scale struct {
	What   string
	Factor float64 // ours / the document's
	Reason string
}

// Variant is one way to run the scenario.
type Variant struct {
	Name        string
	Description string
	Switches    chat.Switches
	World       string                   // the only one that can play it; empty: each can
	Why         string                   // no other can
	Defect      string                   // of the clients, for mutation tests; of the system: Switches.Mutant
	Settle      func(Size) time.Duration // nil: the play's; shorter where it is foretold that not everything arrives
	Faults      func(Size) string        // text form of a chaos.Schedule; nil: none
	Expect      map[string]Expectation   // of the promises, by name; one that is not named must hold
	Checks      func(Size) []Check       // properties with parameters, beside the promises
	Findings    func(Size, Play, *measure.Numbers) []Finding
}

// In says why a world cannot play the variant honestly.
func (v Variant) In(world string) error {
	if v.World == "" || v.World == world {
		return nil
	}
	return fmt.Errorf("variant %s needs world %s: %s", v.Name, v.World, v.Why)
}

// Expectation is what a property is expected to do in a variant.
type Expectation string

// The expectations.
const (
	Holds   Expectation = "holds"
	Broken  Expectation = "broken"  // the damage that the document foretells: not to see it is inconclusive
	Unknown Expectation = "unknown" // nothing is promised here, so nothing is concluded whatever is seen
)

// Check is a property with what is expected of it.
type Check struct {
	Property property.Property
	Expect   Expectation
}

// Finding is a scenario's own expectation about a figure.
type Finding struct {
	Name     string
	Promise  string
	Expected string
	Observed string
	OK       bool
	Damage   bool // of an impact variant: not to see it is inconclusive, not failed
}

// Variant returns the scenario's variant of that name.
func (s Scenario) Variant(name string) (Variant, error) {
	var names []string
	for _, v := range s.Variants {
		if v.Name == name {
			return v, nil
		}
		names = append(names, v.Name)
	}
	return Variant{}, fmt.Errorf("variant %q of %s is unknown: want %s", name, s.Name, strings.Join(names, ", "))
}
