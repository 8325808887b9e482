package catalogue

import (
	"fmt"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
)

func redisClaims() []scenarios.Claim {
	return []scenarios.Claim{
		{ID: "17", Text: "When the presence store is lost, users look offline until their next heartbeat, and nothing else happens.", Judge: judgeRedis},
		{ID: "41", Text: "The gateways' own connections serve as a second source of presence.", Judge: judgeFallback},
	}
}

func judgeRedis(results []scenarios.Result) scenarios.ClaimResult {
	r, ok := find(results, "document")
	if !ok {
		return notMeasured("variant document did not run")
	}
	h := r.Numbers.Healing
	res := scenarios.ClaimResult{Verdict: "confirmed", Why: "but it is felt for longer than the outage", Measured: healed(r)}
	if h.Late == 0 {
		res.Verdict, res.Why = "contradicted", "no delivery was late"
	}
	return res
}

func judgeFallback(results []scenarios.Result) scenarios.ClaimResult {
	without, ok := find(results, "document")
	with, also := find(results, "mitigated")
	if !ok || !also {
		return notMeasured("variants document and mitigated did not both run")
	}
	res := scenarios.ClaimResult{Verdict: "confirmed", Why: "deliveries go on", Measured: append(healed(without), healed(with)...)}
	if with.Numbers.Healing.Late*10 > without.Numbers.Healing.Late {
		res.Verdict, res.Why = "only if", "workers also ask them while presence is back and knows nobody yet"
	}
	return res
}

func healed(r scenarios.Result) []scenarios.Measured {
	h := r.Numbers.Healing
	return []scenarios.Measured{
		{Variant: r.Variant.Name, Name: "deliveries that took more than a second", Value: float64(h.Late), Unit: "messages"},
		{Variant: r.Variant.Name, Name: "felt for", Value: float64(h.After), Unit: "s"},
	}
}

func felt(h measure.Healing) string {
	return fmt.Sprintf("%d deliveries were live, %d took more than a second, a tenth of those of %d seconds; it was felt for %.0f s, %.0f s of them while it lasted", h.Live, h.Late, h.Seconds, float64(h.After), float64(h.Within))
}

// deliveriesStop: the impact variant must show it.
func deliveriesStop(n *measure.Numbers) scenarios.Finding {
	h := n.Healing
	return scenarios.Finding{
		Name: "deliveries stop", Promise: "While the store is away nobody gets anything live.", Damage: true,
		Expected: "a tenth of the deliveries or more take longer than a second", Observed: felt(h), OK: h.Late*10 >= h.Live+h.Late && h.Late > 0,
	}
}

// deliveriesGoOn: a worker's first question to a store that is gone may cost its timeout, and no more than that. On stand-ins
// nothing is late afterwards; a real server may have one slow second at any time.
func deliveriesGoOn(n *measure.Numbers) scenarios.Finding {
	h := n.Healing
	return scenarios.Finding{
		Name: "deliveries go on", Promise: "Who is connected gets messages live, whatever Redis does.",
		Expected: "no two seconds pass in which a tenth of the deliveries are late", Observed: felt(h), OK: h.Live > 0 && h.Seconds < 2 && (realServers(n.Header) || h.After < 2),
	}
}

func nobodyIsDisturbed(n *measure.Numbers) scenarios.Finding {
	all, online := int64(0), int64(0)
	for _, p := range n.Notices {
		all, online = all+p.All, online+p.Online
	}
	return scenarios.Finding{
		Name: "nobody is disturbed", Promise: "Nobody is notified of what is on the screen already.",
		Expected: "no notification to a device that is connected", Observed: fmt.Sprintf("%d notifications, %d of them to devices that were connected", all, online),
		OK: online == 0,
	}
}
