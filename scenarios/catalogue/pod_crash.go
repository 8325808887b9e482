package catalogue

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/system/chat"
)

// PodCrash asks what becomes of those who are connected to a gateway that dies without a word.
//
// The document lets the other pods absorb the sockets, and lets devices fetch what they missed. What decides is how the
// devices come back: all in one moment, or spread; and whether what was on its way to the dead pod is told again.
func PodCrash() scenarios.Scenario {
	return scenarios.Scenario{
		Name:     "pod-crash",
		Question: "One of your gateways is killed while people talk. Who notices, for how long, and what is lost?",
		Claims:   crashClaims(),
		Topology: scenarios.Topology{Gateways: 4, Messages: 2, Workers: 2, Presences: 1, Partitions: 24},
		Play:     crashPlay,
		Variants: []scenarios.Variant{crashDocument(), crashMitigated(), crashHardened()},
	}
}

// crashPlay: groups across all gateways; the pod stays dead while the fault lasts, so that the others must absorb its sockets.
// In a small run one of each group closes the app just after the crash: whoever was at that pod cannot say goodbye.
func crashPlay(size scenarios.Size) scenarios.Play {
	groups, members, rate := 10, 16, smallRate
	p := scenarios.Play{
		Steady: 4 * time.Second, Fault: 6 * time.Second, Recovery: 5 * time.Second, Settle: 12 * time.Second, Step: 100 * time.Millisecond,
		PresenceTTL: 6 * time.Second, Heartbeat: 3 * time.Second, Watches: 1,
		Scale: []scenarios.Scale{
			{What: "gateways", Factor: 4.0 / 20, Reason: "small runs take seconds"},
			{What: "presence TTL and heartbeat", Factor: 6.0 / 60, Reason: "small runs take seconds"},
		},
	}
	if size == scenarios.Document {
		groups, members, rate = 600, 25, 0.01
		p.Gateways, p.Processes, p.Direct = 20, 4, true
		p.PresenceTTL, p.Heartbeat = 3*time.Minute, 90*time.Second
		p.Steady, p.Fault, p.Recovery, p.Settle = 25*time.Second, 30*time.Second, 5*time.Second, 100*time.Second
		p.Scale = []scenarios.Scale{
			{What: "sockets", Factor: float64(groups*members) / 1e6, Reason: "two cores carry devices, pods and stores together"},
			{What: "presence TTL and heartbeat", Factor: 180.0 / 60, Reason: "500 heartbeats/s leave two cores nothing for a storm of reconnects"},
		}
	}
	p.Plan = chattingGroups(groups, members, rate, p.Steady+p.Fault+p.Recovery)
	if size == scenarios.Small {
		for g := range groups {
			leaves(&p.Plan, g, p.Steady+100*time.Millisecond)
		}
	}
	return p
}

func crashSchedule(size scenarios.Size) string {
	p := crashPlay(size)
	return fmt.Sprintf("at %s kill gateway-1 for %s", p.Steady, p.Fault)
}

func crashDocument() scenarios.Variant {
	return scenarios.Variant{
		Name:        "document",
		Description: "devices come back at once, and a worker pushes to whom it finds and goes on",
		Switches:    profile(chat.ProfileDocument),
		Faults:      crashSchedule,
		Expect:      notPromised(map[string]scenarios.Expectation{"no-acked-loss": scenarios.Unknown, "history-is-live": scenarios.Unknown, "shown-at-most-once": scenarios.Unknown}),
		Checks:      func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size)} },
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{burst(n)}
		},
	}
}

func crashMitigated() scenarios.Variant {
	return scenarios.Variant{
		Name:        "mitigated",
		Description: "the document's mitigation: devices come back with jitter and fetch what they missed",
		Switches:    profile(chat.ProfileMitigated),
		Faults:      crashSchedule,
		// Its ids are clocks of many pods: what is stored late has a place that a device may be past already, and a page "after X"
		// skips it for ever.
		Expect: notPromised(map[string]scenarios.Expectation{"no-acked-loss": scenarios.Unknown, "history-is-live": scenarios.Unknown}),
		Checks: func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size)} },
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{everybodyIsBack(n), backSoon(n), gentle(n)}
		},
	}
}

func crashHardened() scenarios.Variant {
	return scenarios.Variant{
		Name:        "hardened",
		Description: "the same, and the log's places tell each device what it lacks: nothing is lost, nothing is shown twice",
		Switches:    profile(chat.ProfileHardened),
		Faults:      crashSchedule,
		Checks: func(size scenarios.Size) []scenarios.Check {
			p := crashPlay(size)
			checks := []scenarios.Check{works(size), accepts(size, "", 0.99), shownThere(p, false)}
			if size == scenarios.Small { // else nobody goes for good
				checks = append(checks, shownGone(p, false))
			}
			return checks
		},
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{everybodyIsBack(n), backSoon(n), gentle(n), recovered(n)}
		},
	}
}
