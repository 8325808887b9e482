package catalogue

import (
	"fmt"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
)

func drainClaims() []scenarios.Claim {
	return []scenarios.Claim{
		{ID: "10", Text: "A deploy that drains each gateway over 30 s spreads the reconnects instead of making a storm of them.", Judge: judgeDrain},
	}
}

// judgeDrain holds the paced drain's burst against that of a kill.
func judgeDrain(results []scenarios.Result) scenarios.ClaimResult {
	killed, ok := find(results, "document")
	paced, also := find(results, "hardened")
	if !ok || !also {
		return notMeasured("variants document and hardened did not both run")
	}
	res := scenarios.ClaimResult{Verdict: "confirmed", Why: "one gateway after the other"}
	for _, r := range []scenarios.Result{killed, paced} {
		n := r.Numbers.Reconnects
		res.Measured = append(res.Measured,
			scenarios.Measured{Variant: r.Variant.Name, Name: "reconnects, peak in 100 ms", Value: float64(n.Peak), Unit: "devices"},
			scenarios.Measured{Variant: r.Variant.Name, Name: "nine tenths within", Value: float64(n.Spread), Unit: "s"})
	}
	if paced.Numbers.Reconnects.Peak >= killed.Numbers.Reconnects.Peak {
		res.Verdict, res.Why = "contradicted", "the drain's burst is as high as that of a kill"
	}
	return res
}

// burst: the impact variant must show the storm that a drain is there to avoid.
func burst(n *measure.Numbers) scenarios.Finding {
	r := n.Reconnects
	return scenarios.Finding{
		Name: "storm", Promise: "Devices of a gateway that vanishes come back all at once.", Damage: true,
		Expected: "nine tenths of the devices try within a second", Observed: fmt.Sprintf("nine tenths tried within %.1f s; %s", float64(r.Rush), reconnects(r)),
		OK: r.Back >= 10 && r.Rush <= 1 && (n.Header.Size == string(scenarios.Document) || r.Spread <= 1), // thousands keep the machine busy for longer
	}
}

func everybodyIsBack(n *measure.Numbers) scenarios.Finding {
	r := n.Reconnects
	return scenarios.Finding{
		Name: "everybody is back", Promise: "Every device that had to leave is connected again at the end.",
		Expected: "some devices had to leave, and none is missing", Observed: fmt.Sprintf("%d had to leave, %d are missing", r.Lost, r.Missing),
		OK: r.Lost >= 10 && r.Missing == 0,
	}
}

// backInTime: no device waits longer than the window in which it was told to come back.
func backInTime(size scenarios.Size, n *measure.Numbers) scenarios.Finding {
	r, within := n.Reconnects, drainOver(size)+margin
	f := scenarios.Finding{
		Name: "back in time", Promise: "No device waits longer than its window.",
		Expected: fmt.Sprintf("nobody is without a connection for more than %s, and who was told a window is back %s after its end at the latest", within, margin),
		Observed: reconnects(r), OK: float64(r.Longest) <= within.Seconds(),
	}
	if r.Told > 0 {
		f.Observed += fmt.Sprintf("; %d were told, the last of them was back %.2f s after the end of its window", r.Told, float64(r.Overdue))
		f.OK = f.OK && float64(r.Overdue) <= margin.Seconds()
	}
	return f
}

// paced: the reconnects fill the drain's time, and no tenth of a second sees more than its share by far.
func paced(size scenarios.Size, n *measure.Numbers) scenarios.Finding {
	r, over := n.Reconnects, drainOver(size).Seconds()
	share := float64(r.Back) / (over * 10)
	most := 5*share + 5
	return scenarios.Finding{
		Name: "paced", Promise: "The reconnects are spread over the drain.",
		Expected: fmt.Sprintf("nine tenths of them take %.1f s or more, and at most %.0f come back in 100 ms", over/2, most), Observed: reconnects(r),
		OK: float64(r.Spread) >= over/2 && float64(r.Peak) <= most,
	}
}

func reconnects(r measure.Reconnects) string {
	return fmt.Sprintf("%d devices came back, nine tenths within %.1f s, %g in 100 ms at most; the longest wait was %.2f s",
		r.Back, float64(r.Spread), float64(r.Peak), float64(r.Longest))
}
