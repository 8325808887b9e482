package catalogue

import (
	"math"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
)

// sample is a sampled metric's largest value in a phase, over all its labels.
func sample(n *measure.Numbers, phase, name string) (most float64, ok bool) {
	for _, s := range n.Samples {
		if s.Phase == phase && s.Name == name {
			most, ok = max(most, float64(s.Max)), true
		}
	}
	return most, ok
}

// sends adds up what was sent into a conversation in a phase.
func sends(n *measure.Numbers, phase, label string) measure.Sends {
	for _, s := range n.Sends {
		if s.Phase == phase && s.Label == label {
			return s
		}
	}
	return measure.Sends{}
}

// delivery is the lag of a conversation's deliveries in a phase.
func delivery(n *measure.Numbers, phase, label string) (measure.Grouped, bool) {
	for _, g := range n.Deliveries {
		if g.Phase == phase && g.Label == label {
			return g, true
		}
	}
	return measure.Grouped{}, false
}

// find returns a variant's result, if it ran.
func find(results []scenarios.Result, variant string) (scenarios.Result, bool) {
	for _, r := range results {
		if r.Variant.Name == variant {
			return r, true
		}
	}
	return scenarios.Result{}, false
}

func notMeasured(why string) scenarios.ClaimResult {
	return scenarios.ClaimResult{Verdict: "not measured", Why: why}
}

func round(x float64) float64 { return math.Round(10*x) / 10 }
