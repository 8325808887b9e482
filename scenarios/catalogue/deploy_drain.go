package catalogue

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/system/chat"
)

// DeployDrain asks what a deploy costs those who talk through the gateway that is replaced.
//
// The document gives a deploy 30 s a gateway. What devices notice is decided by how their sockets end: all in one
// moment, or one after the other over that time.
func DeployDrain() scenarios.Scenario {
	return scenarios.Scenario{
		Name:     "deploy-drain",
		Question: "A gateway is replaced while people talk. What do they notice?",
		Claims:   drainClaims(),
		Topology: scenarios.Topology{Gateways: 4, Messages: 2, Workers: 2, Presences: 1, Partitions: 24},
		Play:     drainPlay,
		Variants: []scenarios.Variant{drainKilled(), drainAtOnce(), drainPaced()},
	}
}

// drainOver is how long a gateway takes to let its sockets go; the document's deploy gives it 30 s.
func drainOver(size scenarios.Size) time.Duration {
	if size == scenarios.Small {
		return 4 * time.Second
	}
	return 30 * time.Second
}

// margin is what a device may take beyond its window: a session at the edge, a dial and a resume, on a machine that
// carries everything.
const margin = 2 * time.Second

// drainPlay: groups across all gateways talk all the time.
func drainPlay(size scenarios.Size) scenarios.Play {
	groups, members, rate := 10, 16, smallRate
	p := scenarios.Play{
		Steady: 4 * time.Second, Fault: drainOver(size) + 2*time.Second, Recovery: time.Second, Settle: 15 * time.Second, Step: 100 * time.Millisecond,
		Scale: []scenarios.Scale{{What: "gateways", Factor: 4.0 / 20, Reason: "small runs take seconds"}},
	}
	if size == scenarios.Document {
		groups, members, rate = 80, 25, 1
		p.Gateways = 20
		p.Steady, p.Recovery, p.Settle = 10*time.Second, 5*time.Second, 30*time.Second
		p.Scale = []scenarios.Scale{{What: "sockets", Factor: float64(groups*members) / 1e6, Reason: "two cores carry devices, pods and stores together"}}
	}
	p.Plan = chattingGroups(groups, members, rate, p.Steady+p.Fault+p.Recovery)
	return p
}

func drainSchedule(size scenarios.Size) string {
	return fmt.Sprintf("at %s drain gateway-1 over %s", drainPlay(size).Steady, drainOver(size))
}

// killSchedule is a deploy that does not ask: the process is gone, and the next one starts.
func killSchedule(size scenarios.Size) string {
	return fmt.Sprintf("at %s kill gateway-1 for 2s", drainPlay(size).Steady)
}

func drainKilled() scenarios.Variant {
	return scenarios.Variant{
		Name:        "document",
		Description: "the gateway is killed, and its devices come back at once",
		Switches:    profile(chat.ProfileDocument),
		Faults:      killSchedule,
		Expect:      notPromised(map[string]scenarios.Expectation{"no-acked-loss": scenarios.Unknown, "history-is-live": scenarios.Unknown, "shown-at-most-once": scenarios.Unknown}),
		Checks:      func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size)} },
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{burst(n)}
		},
	}
}

func drainAtOnce() scenarios.Variant {
	sw := profile(chat.ProfileHardened)
	sw.Drain = chat.DrainAtOnce
	return scenarios.Variant{
		Name:        "mitigated",
		Description: "the gateway closes all sockets in one moment, and its devices come back with jitter",
		Switches:    sw,
		Faults:      drainSchedule,
		Checks:      func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size)} },
		Findings: func(size scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{everybodyIsBack(n), backInTime(size, n)}
		},
	}
}

func drainPaced() scenarios.Variant {
	return scenarios.Variant{
		Name:        "hardened",
		Description: "the gateway lets its sockets go one after the other over the time that the deploy gives it",
		Switches:    profile(chat.ProfileHardened),
		Faults:      drainSchedule,
		Checks: func(size scenarios.Size) []scenarios.Check {
			return []scenarios.Check{works(size), accepts(size, "", 0.999)}
		},
		Findings: func(size scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{everybodyIsBack(n), backInTime(size, n), paced(size, n)}
		},
	}
}
