package catalogue

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
)

func weekClaims() []scenarios.Claim {
	return []scenarios.Claim{
		{ID: "44", Text: "After a week away, the 20 newest conversations with their unread counts come first, and the rest follows in the background.", Judge: judgeScreen},
		{ID: "45", Text: "Unread counters spare the store from being asked about every conversation.", Judge: judgeCounters},
		{ID: "46", Text: "The store reads what one conversation missed in one scan, so that the volume is the problem and not the reads.", Judge: judgeVolume},
	}
}

// judgeScreen holds the first screen of the mitigation against that of a full sync.
func judgeScreen(results []scenarios.Result) scenarios.ClaimResult {
	full, ok := find(results, "document")
	paged, also := find(results, "mitigated")
	if !ok || !also {
		return notMeasured("variants document and mitigated did not both run")
	}
	res := scenarios.ClaimResult{Verdict: "confirmed", Why: "in time and bytes"}
	for _, r := range results {
		res.Measured = append(res.Measured, scenarios.Measured{Variant: r.Variant.Name, Name: "first screen", Value: float64(r.Numbers.Return.Screen), Unit: "s"})
	}
	if f, p := full.Numbers.Return, paged.Numbers.Return; !(p.Screen < f.Screen) {
		res.Verdict, res.Why = "contradicted", "the first screen is not there before the full sync has come as far"
	}
	return res
}

// judgeCounters: the counters stand by conversation, so that somebody must know which 20 are the newest.
func judgeCounters(results []scenarios.Result) scenarios.ClaimResult {
	var res scenarios.ClaimResult
	for _, name := range []string{"mitigated", "hardened"} {
		r, ok := find(results, name)
		if !ok {
			return notMeasured("variants mitigated and hardened did not both run")
		}
		res.Measured = append(res.Measured, scenarios.Measured{Variant: name, Name: "store reads of the first screen", Value: float64(r.Numbers.Return.ScreenReads), Unit: "reads"})
	}
	paged, _ := find(results, "mitigated")
	res.Verdict, res.Why = "only if", "the rows of each user say which conversations are newest: without that, finding the 20 newest reads all of them"
	if n := paged.Numbers.Return; float64(n.ScreenReads) < float64(n.Conversations) {
		res.Verdict, res.Why = "confirmed", "fewer reads than conversations"
	}
	return res
}

func judgeVolume(results []scenarios.Result) scenarios.ClaimResult {
	r, ok := find(results, "document")
	if !ok {
		return notMeasured("variant document did not run")
	}
	n := r.Numbers.Return
	perConversation := float64(n.SyncReads) / max(1, float64(n.Conversations))
	res := scenarios.ClaimResult{Verdict: "confirmed", Why: "about one read a conversation", Measured: []scenarios.Measured{
		{Variant: "document", Name: "store reads a conversation", Value: round(perConversation), Unit: "reads"},
		{Variant: "document", Name: "bytes of the full sync", Value: float64(n.SyncBytes), Unit: "bytes"},
		{Variant: "document", Name: "full sync", Value: float64(n.Synced), Unit: "s"},
	}}
	if perConversation > 1.5 {
		res.Verdict, res.Why = "contradicted", "who may read must be read as well, and what is newest: the scan is the smaller part of the reads"
	}
	return res
}

// everythingFirst: the impact variant must show that somebody waits for all conversations before the first screen.
func everythingFirst(n *measure.Numbers) scenarios.Finding {
	r := n.Return
	return scenarios.Finding{
		Name: "everything first", Promise: "A device that reads every conversation shows the newest ones late.", Damage: true,
		Expected: "a read or more for each conversation, and half of the sync or more before the first screen", Observed: returned(r),
		OK: r.Devices == 1 && float64(r.SyncReads) >= float64(r.Conversations) && float64(r.Screen) >= float64(r.Synced)/2,
	}
}

// noIndex: what the mitigation leaves as it was.
func noIndex(n *measure.Numbers) scenarios.Finding {
	r := n.Return
	return scenarios.Finding{
		Name: "no index", Promise: "The tables do not say which conversations of a user are the newest.", Damage: true,
		Expected: "a store read or more for each conversation, for a first screen of 20", Observed: returned(r),
		OK: float64(r.ScreenReads) >= float64(r.Conversations),
	}
}

func screenIsSmall(n *measure.Numbers) scenarios.Finding {
	r := n.Return
	return scenarios.Finding{
		Name: "small first screen", Promise: "The first screen needs the least part of what was missed.",
		Expected: "20 conversations, before the rest is there", Observed: returned(r),
		OK: r.Listed == onScreen && float64(r.Screen) < float64(r.Synced),
	}
}

// screenInTime: at small size the order of magnitude is meant, on a machine that may be busy with other tests.
func screenInTime(size scenarios.Size, n *measure.Numbers) scenarios.Finding {
	within := 200 * time.Millisecond
	if size == scenarios.Small {
		within = 2 * time.Second
	}
	r := n.Return
	return scenarios.Finding{
		Name: "in time: first screen", Promise: "The owner sees something at once.",
		Expected: fmt.Sprintf("the newest message of each of the 20 newest conversations within %s", within), Observed: returned(r),
		OK: float64(r.Screen) <= within.Seconds(),
	}
}

func screenReads(n *measure.Numbers) scenarios.Finding {
	r := n.Return
	return scenarios.Finding{
		Name: "store reads of a first screen", Promise: "A first screen costs the store what it shows, however many conversations there are.",
		Expected: "25 reads at most, by the call that fetches it", Observed: returned(r),
		OK: r.ScreenReads > 0 && r.ScreenReads <= 25,
	}
}

func screenIsRight(n *measure.Numbers) scenarios.Finding {
	r := n.Return
	return scenarios.Finding{
		Name: "first screen is right", Promise: "It shows the newest conversations, with the unread messages of each counted.",
		Expected: "20 conversations, all counts right, and the newest message of each of the 20 newest",
		Observed: fmt.Sprintf("%d conversations, %d counts right; %s", r.Listed, r.Counted, returned(r)),
		OK:       r.Listed == onScreen && r.Counted == onScreen && r.Screen == r.Screen,
	}
}

func caughtUp(n *measure.Numbers) scenarios.Finding {
	r := n.Return
	return scenarios.Finding{
		Name: "caught up", Promise: "All that was missed is shown in the end.",
		Expected: "every missed message", Observed: fmt.Sprintf("%d of %d messages in %d conversations", r.Shown, r.Missed, r.Conversations),
		OK: r.Missed > 0 && r.Shown == r.Missed,
	}
}

func returned(r measure.Return) string {
	screen := fmt.Sprintf("first screen after %.0f ms", 1000*float64(r.Screen))
	if r.ScreenReads == r.ScreenReads { // else it has no beginning and no end of its own
		screen += fmt.Sprintf(" with %g store reads and %.0f KB", float64(r.ScreenReads), float64(r.ScreenBytes)/1000)
	}
	return fmt.Sprintf("%s; all %d missed messages of %d conversations after %.1f s with %g reads and %.0f KB",
		screen, r.Missed, r.Conversations, float64(r.Synced), float64(r.SyncReads), float64(r.SyncBytes)/1000)
}
