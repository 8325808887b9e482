package catalogue

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// SteadyState asks what the system does when nothing is wrong: every promise must hold, and every figure of the
// document's request flow has one measured beside it.
func SteadyState() scenarios.Scenario {
	return scenarios.Scenario{
		Name:     "steady-state",
		Question: "Nothing is broken. How long does a message take to be acknowledged and to reach everybody, and are all promises kept?",
		Claims:   steadyClaims(),
		Topology: topology(),
		Play:     steadyPlay,
		Variants: []scenarios.Variant{
			{
				Name: "hardened", Description: "the log decides the order",
				Switches: profile(chat.ProfileHardened),
				Checks: func(size scenarios.Size) []scenarios.Check {
					p99 := 100 * time.Millisecond // the document's target
					if size == scenarios.Small {
						p99 = time.Second // the order of magnitude
					}
					// Who goes is not judged: the run is shorter than the presence TTL.
					return []scenarios.Check{works(size), accepts(size, "", 0.999), arrives(size, "", p99, scenarios.Holds), shownThere(steadyPlay(size), false)}
				},
			},
		},
	}
}

// steadyPlay: groups of ten and pairs, at a rate that two cores carry with ease. Somebody comes while the others talk.
func steadyPlay(size scenarios.Size) scenarios.Play {
	groups, pairs, rate := 8, 10, smallRate
	p := scenarios.Play{Steady: 4 * time.Second, Fault: 6 * time.Second, Recovery: time.Second, Settle: 8 * time.Second, Watches: 2}
	if size == scenarios.Document {
		groups, pairs, rate = 40, 50, 2
		p.Steady, p.Fault, p.Recovery, p.Settle = 5*time.Second, 30*time.Second, 5*time.Second, 15*time.Second
	}
	p.Scale = []scenarios.Scale{{What: "messages/s", Factor: (float64(groups) + float64(pairs)/5) * rate / 50_000, Reason: "two cores carry devices, pods and stores together"}}
	length := p.Steady + p.Fault + p.Recovery
	p.Plan = workload.Plan{Users: 10*groups + 2*pairs, Length: length}
	for i := range groups {
		p.Plan.Conversations = append(p.Plan.Conversations, workload.Conversation{
			Name: fmt.Sprintf("group %d", i+1), Kind: chat.Group, Members: workload.Range(10*i, 10*i+10),
		})
	}
	for i := range pairs {
		first := 10*groups + 2*i
		p.Plan.Conversations = append(p.Plan.Conversations, workload.Conversation{
			Name: fmt.Sprintf("pair %d", i+1), Kind: chat.Direct, Members: workload.Range(first, first+2),
		})
	}
	for _, c := range p.Plan.Conversations {
		r := rate
		if c.Kind == chat.Direct {
			r = rate / 5
		}
		p.Plan.Streams = append(p.Plan.Streams, workload.Stream{Conversation: c.Name, PerSecond: r, To: length, Bytes: 300})
	}
	leaves(&p.Plan, 0, 0)
	p.Plan.Absences[0].To = p.Steady / 2
	return p
}
