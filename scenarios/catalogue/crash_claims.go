package catalogue

import (
	"fmt"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/system/chat"
)

// backWithin is what the document gives devices of a dead pod to reconnect, in seconds.
const backWithin = 5

func crashClaims() []scenarios.Claim {
	return []scenarios.Claim{
		{ID: "21", Text: "Devices of a pod that crashed are connected again in about 5 s.", Judge: judgeCrash},
		{ID: "21", Text: "They fetch by REST what they missed.", Judge: judgeFetch},
	}
}

func judgeCrash(results []scenarios.Result) scenarios.ClaimResult {
	res := scenarios.ClaimResult{Verdict: "confirmed", Why: "with a network of no latency between devices and gateways"}
	for _, r := range results {
		n := r.Numbers.Reconnects
		if n.Lost == 0 {
			return notMeasured("no device lost its connection in variant " + r.Variant.Name)
		}
		res.Measured = append(res.Measured,
			scenarios.Measured{Variant: r.Variant.Name, Name: "99 of 100 back after", Value: float64(n.Most), Unit: "s"},
			scenarios.Measured{Variant: r.Variant.Name, Name: "missed and shown afterwards", Value: float64(n.Missed), Unit: "messages"})
		if !(float64(n.Most) <= backWithin) {
			res.Verdict, res.Why = "contradicted", "it takes longer in variant "+r.Variant.Name
		}
	}
	return res
}

// judgeFetch asks whether a device has everything at the end that was acknowledged.
func judgeFetch(results []scenarios.Result) scenarios.ClaimResult {
	res := scenarios.ClaimResult{Verdict: "confirmed", Why: "in this run; a message that is stored late can be skipped"}
	for _, r := range results {
		missing := int64(0)
		for _, g := range r.Numbers.Deliveries {
			if g.Label == "" {
				missing += g.Missing
			}
		}
		res.Measured = append(res.Measured, scenarios.Measured{Variant: r.Variant.Name, Name: "deliveries missing at the end", Value: float64(missing), Unit: "messages"})
		switch {
		case missing > 0 && r.Variant.Name == chat.ProfileHardened:
			return scenarios.ClaimResult{Verdict: "contradicted", Why: "deliveries are missing even where the log gives the places", Measured: res.Measured}
		case missing > 0:
			res.Verdict, res.Why = "only if", "places come from one log: a page after an id made by a clock skips what is stored late"
		}
	}
	return res
}

func backSoon(n *measure.Numbers) scenarios.Finding {
	r := n.Reconnects
	return scenarios.Finding{
		Name: "back soon", Promise: "Devices of a dead pod are connected again in seconds.",
		Expected: fmt.Sprintf("99 of 100 within %d s", backWithin), Observed: fmt.Sprintf("%s; 99 of 100 after %.1f s", reconnects(r), float64(r.Most)),
		OK: float64(r.Most) <= backWithin,
	}
}

// gentle: with jitter no tenth of a second sees half of the devices try. How many are back in one depends on the machine, too:
// who waits for a busy gateway is back with all the others who do.
func gentle(n *measure.Numbers) scenarios.Finding {
	r := n.Reconnects
	most := 0.5*float64(r.Back) + 5
	return scenarios.Finding{
		Name: "no storm", Promise: "The devices do not come back in one moment.",
		Expected: fmt.Sprintf("at most %.0f try in 100 ms", most), Observed: fmt.Sprintf("%.0f tried in 100 ms at most; %s", float64(r.Tries), reconnects(r)),
		OK: float64(r.Tries) <= most,
	}
}

func recovered(n *measure.Numbers) scenarios.Finding {
	r := n.Reconnects
	return scenarios.Finding{
		Name: "recovered", Promise: "What was said while a device had no connection is shown when it is back.",
		Expected: "something was missed, and was shown afterwards", Observed: fmt.Sprintf("%d messages were missed and shown afterwards", r.Missed),
		OK: r.Missed > 0, Damage: true,
	}
}
