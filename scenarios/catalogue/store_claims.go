package catalogue

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
)

const (
	brokerHeals = 12 * time.Second // an election, and drivers that learn of it
	nodeHeals   = 5 * time.Second

	// standInReturns is for stand-ins, which are back at once: no run had a message that was late then. It leaves room for the
	// second in which the fault ends and two more: seconds are what is told apart, and tests share the machine.
	standInReturns = 3 * time.Second
)

func brokerClaims() []scenarios.Claim {
	return []scenarios.Claim{
		{ID: "18", Text: "The partitions of a broker that failed move to others within 30 s; publishes fail or wait meanwhile.", Judge: judgeHealing(30)},
	}
}

func nodeClaims() []scenarios.Claim {
	return []scenarios.Claim{
		{ID: "19", Text: "With one Cassandra node of three down, reads and writes go on, a little slower.", Judge: judgeHealing(1)},
	}
}

// judgeHealing holds how long the fault was felt in variant hardened against a bound in seconds.
func judgeHealing(bound float64) func([]scenarios.Result) scenarios.ClaimResult {
	return func(results []scenarios.Result) scenarios.ClaimResult {
		r, ok := find(results, "hardened")
		if !ok {
			return notMeasured("variant hardened did not run")
		}
		res := scenarios.ClaimResult{Verdict: "confirmed", Why: "stand-ins elect and answer in their own time: ask the containers", Measured: healed(r)}
		if realServers(r.Header) {
			res.Why = "real servers, which share a machine with pods and devices"
		}
		for _, r := range results {
			res.Measured = append(res.Measured, scenarios.Measured{
				Variant: r.Variant.Name, Name: "slowest acknowledgement of what was sent while the fault lasted", Value: worst(r.Numbers, "fault"), Unit: "s",
			})
		}
		if float64(r.Numbers.Healing.Within) > bound {
			res.Verdict, res.Why = "contradicted", fmt.Sprintf("it is felt for more than %g s", bound)
		}
		return res
	}
}

// isFelt keeps a run from passing in which nothing happened.
func isFelt(n *measure.Numbers) scenarios.Finding {
	return scenarios.Finding{
		Name: "is felt", Promise: "The fault hits what people wait for.", Damage: true,
		Expected: "some acknowledgement takes five times as long as the steady state's p99", Observed: slowest(n), OK: worst(n, "fault") >= 5*tail(n, "steady"),
	}
}

func slowest(n *measure.Numbers) string {
	return fmt.Sprintf("acknowledged after %.0f ms at most, in steady state p99 %.0f ms", 1000*worst(n, "fault"), 1000*tail(n, "steady"))
}

func worst(n *measure.Numbers, phase string) float64 {
	for _, g := range n.Acks {
		if g.Phase == phase && g.Label == "" {
			return float64(g.Max)
		}
	}
	return 0
}

func tail(n *measure.Numbers, phase string) float64 {
	for _, g := range n.Acks {
		if g.Phase == phase && g.Label == "" {
			return float64(g.P99)
		}
	}
	return 0
}

// healsWithin bounds for how long messages come late while the fault lasts, and once more from its end: a node that comes back
// costs its machine and may cost the system. A real one that does so takes part for as long as one that goes.
func healsWithin(n *measure.Numbers, bound time.Duration) scenarios.Finding {
	h, back := n.Healing, standInReturns
	if realServers(n.Header) {
		back = bound
	}
	return scenarios.Finding{
		Name: "heals", Promise: "Deliveries are live again while the fault still lasts, and soon after its end.",
		Expected: fmt.Sprintf("%s after the fault began, and %s after it ended, a tenth of the deliveries at most take longer than a second", bound, back),
		Observed: fmt.Sprintf("%s, and %.1f s after its end", felt(h), float64(h.Return)),
		OK:       h.Live > 0 && float64(h.Within) <= bound.Seconds() && float64(h.Return) <= back.Seconds(),
	}
}
