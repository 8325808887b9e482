// Package scenarios plays what-if questions against the real system and judges what happened.
package scenarios

import (
	"fmt"
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
	ID      string
	Text    string
	Measure string                               // name of the finding or figure
	Judge   func([]Result) (verdict, why string) // over the results of all variants that ran
}

// Topology says how many pods of each role run.
type Topology struct {
	Gateways, Messages, Workers, Presences int
	Partitions                             int
}

// Play is one size's workload and its phases: steady, then fault, then recovery, then a settling time at whose end
// everything must have arrived.
type Play struct {
	Plan                    workload.Plan
	Steady, Fault, Recovery time.Duration
	Settle                  time.Duration
	Scale                   []string // how this size departs from the document's numbers, and why
}

// Variant is one way to run the scenario.
type Variant struct {
	Name        string
	Description string
	Switches    chat.Switches
	Defect      string // of the clients; of the system: Switches.Mutant
	Faults      func(Size) string
	// Expect says what each property does here; one that is not named must hold.
	Expect map[string]property.Status
	Limits property.Limits
	// Judge adds the scenario's own findings to the properties.
	Judge func(Size, Play, *measure.Summary) []Finding
}

// Finding is a scenario's own expectation about a figure.
type Finding struct {
	Name     string
	Expected string
	Observed string
	Value    float64
	Unit     string
	OK       bool
	// Damage marks a finding of an impact variant: not seeing it makes the run inconclusive, not failed.
	Damage bool
}
