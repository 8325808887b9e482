package catalogue

import (
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/history"
)

func steadyClaims() []scenarios.Claim {
	return []scenarios.Claim{
		{ID: "15", Text: "The sender has its acknowledgement within about 50 ms.", Judge: judgeAck},
		{ID: "30", Text: "A message reaches its recipients in about 70 ms end to end, and p99 stays under 100 ms.", Judge: judgeEndToEnd},
	}
}

func judgeAck(results []scenarios.Result) scenarios.ClaimResult {
	r, ok := find(results, "hardened")
	if !ok {
		return notMeasured("variant hardened did not run")
	}
	for _, g := range r.Numbers.Acks {
		if g.Phase == "fault" && g.Label == "" {
			return within(r, float64(g.P50), float64(g.P99), 0.050)
		}
	}
	return notMeasured("no acknowledgement in the measured phase")
}

func judgeEndToEnd(results []scenarios.Result) scenarios.ClaimResult {
	r, ok := find(results, "hardened")
	if !ok {
		return notMeasured("variant hardened did not run")
	}
	g, ok := delivery(r.Numbers, "fault", "")
	if !ok {
		return notMeasured("no delivery in the measured phase")
	}
	return within(r, float64(g.P50), float64(g.P99), 0.100)
}

// within holds the p99 against a bound in seconds. On stand-ins over loopback it says what the system's own work takes,
// not what a network and real stores add.
func within(r scenarios.Result, p50, p99, bound float64) scenarios.ClaimResult {
	res := scenarios.ClaimResult{Verdict: "confirmed", Why: "on stand-ins over loopback: real stores and a network come on top", Measured: []scenarios.Measured{
		{Variant: "hardened", Name: "p50", Value: p50, Unit: "s"}, {Variant: "hardened", Name: "p99", Value: p99, Unit: "s"},
	}}
	late := "even on stand-ins over loopback"
	if realServers(r.Header) {
		res.Why, late = "on real servers over loopback: a network comes on top", "on real servers that share a machine with pods and devices"
	}
	if p99 > bound {
		res.Verdict, res.Why = "contradicted", late
	}
	return res
}

// realServers says that no stand-in took part in a run.
func realServers(h history.Header) bool { return h.World == "containers" }
