package catalogue

import (
	"fmt"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/system/chat"
)

func viralClaims() []scenarios.Claim {
	return []scenarios.Claim{
		{ID: "1", Text: "Fan-out workers carry a group of 500 at 100 messages/s: the push loop costs 250 ms a message, off the send path.", Judge: judgeLoop},
		{ID: "28", Text: "During a viral spike the consumer lag is 1 to 5 seconds.", Judge: judgeLag},
		{ID: "3", Text: "A limit of 10 messages/s per group, with a queue for the rest, protects the others.", Judge: judgeLimit},
	}
}

// judgeLoop divides the time by the messages that the document's worker finished in it.
func judgeLoop(results []scenarios.Result) scenarios.ClaimResult {
	r, ok := find(results, "document")
	if !ok {
		return notMeasured("variant document did not run")
	}
	served := servedPerSecond(r)
	offered := float64(sends(r.Numbers, "fault", viral).Sends) / r.Play.Fault.Seconds()
	res := scenarios.ClaimResult{Verdict: "contradicted", Why: "the loop also awaits a lookup for each recipient; what is offered and not served waits", Measured: []scenarios.Measured{
		{Variant: "document", Name: "messages served", Value: round(served), Unit: "messages/s"},
		{Variant: "document", Name: "messages offered", Value: round(offered), Unit: "messages/s"},
	}}
	if served >= 0.9*offered {
		res.Verdict, res.Why = "confirmed", "the worker kept up"
	}
	return res
}

// servedPerSecond is what was acknowledged minus what still lags at the fault's end, over its length.
func servedPerSecond(r scenarios.Result) float64 {
	lag, _ := sample(r.Numbers, "fault", scenarios.MetricLag)
	acked := float64(sends(r.Numbers, "fault", viral).Acked + sends(r.Numbers, "fault", sameNeigh).Acked)
	return max(0, acked-lag) / r.Play.Fault.Seconds()
}

func judgeLag(results []scenarios.Result) scenarios.ClaimResult {
	r, ok := find(results, "document")
	if !ok {
		return notMeasured("variant document did not run")
	}
	lag, _ := sample(r.Numbers, "fault", scenarios.MetricLag)
	served := servedPerSecond(r)
	res := scenarios.ClaimResult{Verdict: "contradicted", Why: "the lag grows as long as the group writes; it is not a level", Measured: []scenarios.Measured{
		{Variant: "document", Name: "lag at the end of the spike", Value: lag, Unit: "records"},
		{Variant: "document", Name: "time to work it off at the served rate", Value: round(lag / max(served, 0.1)), Unit: "s"},
	}}
	if lag/max(served, 0.1) <= 5 {
		res.Verdict, res.Why = "confirmed", "within 5 s at this size"
	}
	return res
}

func judgeLimit(results []scenarios.Result) scenarios.ClaimResult {
	r, ok := find(results, "mitigated")
	if !ok {
		return notMeasured("variant mitigated did not run")
	}
	s := sends(r.Numbers, "fault", viral)
	return scenarios.ClaimResult{
		Verdict: "only if", Why: "the queue has a bound and says so: what is offered above the limit must be refused sooner or later",
		Measured: []scenarios.Measured{
			{Variant: "mitigated", Name: "sends into the group", Value: float64(s.Sends), Unit: "messages"},
			{Variant: "mitigated", Name: "refused with a time to come back", Value: float64(s.Refused), Unit: "messages"},
		},
	}
}

// lagGrows: the impact variant must show the damage that the question is about.
func lagGrows(_ scenarios.Size, play scenarios.Play, n *measure.Numbers) []scenarios.Finding {
	lag, _ := sample(n, "fault", scenarios.MetricLag)
	offered := float64(sends(n, "fault", viral).Sends)
	return []scenarios.Finding{{
		Name: "lag grows", Promise: "The worker of the viral group's partition falls behind.", Damage: true,
		Expected: fmt.Sprintf("more than half of the %g messages of the spike wait at its end", offered),
		Observed: fmt.Sprintf("%g records wait", lag), OK: lag > offered/2,
	}}
}

// slowestInTime bounds the p99, which in a small run is the slowest message or two. Stand-ins never let one wait for a second;
// real servers that share two cores with everything else may, for another.
func slowestInTime(n *measure.Numbers) scenarios.Finding {
	bound, p99 := 1.0, 0.0
	if realServers(n.Header) {
		bound = 2
	}
	for _, g := range n.Deliveries {
		if g.Phase == "fault" && g.Label == viral {
			p99 = float64(g.P99)
		}
	}
	return scenarios.Finding{
		Name: "in time, slowest", Promise: "Not even the slowest messages keep the group waiting.",
		Expected: fmt.Sprintf("p99 at most %g s", bound), Observed: fmt.Sprintf("p99 %.3f s", p99), OK: p99 > 0 && p99 <= bound,
	}
}

// limitIsTold: members hear of the limit, and what waits for it stays bounded.
func limitIsTold(_ scenarios.Size, play scenarios.Play, n *measure.Numbers) []scenarios.Finding {
	sw := profile(chat.ProfileMitigated)
	queue, sampled := sample(n, "fault", scenarios.MetricQueue)
	s := sends(n, "fault", viral)
	allowed := sw.GroupLimit * (1 + play.Fault.Seconds()) // a second's burst, then the rate
	members := float64(play.Plan.Users)
	return []scenarios.Finding{
		{
			Name: "members are told", Promise: "Everybody in a throttled group learns of it.",
			Expected: "a notice for each member of the group, and again while it lasts", Observed: fmt.Sprintf("%d notices, %d sends refused", n.Totals.Throttled, s.Refused),
			OK: s.Refused > 0 && n.Totals.Throttled >= int64(members/2),
		},
		{
			Name: "queue is bounded", Promise: "What waits for the limit is bounded.",
			Expected: fmt.Sprintf("at most %d sends wait", sw.GroupQueue), Observed: fmt.Sprintf("%g waited at most", queue),
			OK: sampled && queue > 0 && queue <= float64(sw.GroupQueue),
		},
		{
			Name: "group is limited", Promise: "The group gets its rate and no more.",
			Expected: fmt.Sprintf("%g messages acknowledged while the fault lasts, within a tenth", allowed),
			Observed: fmt.Sprintf("%d messages", s.AckedIn),
			OK:       float64(s.AckedIn) >= 0.9*allowed && float64(s.AckedIn) <= 1.1*allowed,
		},
	}
}
