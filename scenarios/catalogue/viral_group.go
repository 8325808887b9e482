package catalogue

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// The conversations of the viral group's run.
const (
	viral     = "viral"
	sameNeigh = "neighbour on the same partition"
	farNeigh  = "neighbour on another partition"
)

// ViralGroup asks what one very busy group does to itself and to those who share its partition.
//
// The document's worker awaits one lookup and one call per recipient. With half a millisecond each, 500 members take
// half a second a message; the group offers a hundred messages a second.
func ViralGroup() scenarios.Scenario {
	return scenarios.Scenario{
		Name:     "viral-group",
		Question: "A group of 500 members suddenly writes 100 messages a second. What happens to the group, to its neighbours on the same partition, and to everybody else?",
		Claims:   viralClaims(),
		Topology: topology(),
		Play:     viralPlay,
		Variants: []scenarios.Variant{viralDocument(), viralMitigated(), viralHardened()},
	}
}

// neighbours of each kind: several small groups, so that a quantile rests on many messages and not on a few that
// reached many; two share the viral group's partition, which even the document's loop carries with ease.
const (
	crowd      = 6
	sameGroups = 2
	farGroups  = 4
	chatter    = 8.0 // messages/s of each at document size: below the group limit, so that nobody but the viral group meets it
)

// viralPlay: the neighbours talk all the time, the group goes viral in the middle.
func viralPlay(size scenarios.Size) scenarios.Play {
	members, rate, same, far := 150, 15.0, 3.0, 1.5
	p := scenarios.Play{Direct: true, Steady: 5 * time.Second, Fault: 5 * time.Second, Recovery: 500 * time.Millisecond, Settle: 15 * time.Second}
	if size == scenarios.Document {
		members, rate, same, far = chat.MaxMembers, 100, chatter, chatter
		p.Steady, p.Fault, p.Recovery, p.Settle = 28*time.Second, 30*time.Second, 5*time.Second, 20*time.Second
	} else {
		p.Scale = []scenarios.Scale{
			{What: "members of the group", Factor: float64(members) / chat.MaxMembers, Reason: "small runs take seconds"},
			{What: "messages/s into the group", Factor: rate / 100, Reason: "small runs take seconds"},
		}
	}
	length := p.Steady + p.Fault + p.Recovery
	p.Plan = workload.Plan{
		Users: members, Length: length,
		Conversations: []workload.Conversation{{Name: viral, Kind: chat.Group, Members: workload.Range(0, members)}},
		Streams:       []workload.Stream{{Conversation: viral, PerSecond: rate, From: p.Steady, To: p.Steady + p.Fault, Bytes: 300}},
	}
	for range sameGroups {
		addNeighbour(&p.Plan, same, workload.Conversation{Label: sameNeigh, SamePartitionAs: viral})
	}
	for range farGroups {
		addNeighbour(&p.Plan, far, workload.Conversation{Label: farNeigh, OtherPartitionThan: viral})
	}
	return p
}

func addNeighbour(p *workload.Plan, rate float64, c workload.Conversation) {
	c.Name, c.Kind = fmt.Sprintf("neighbour %d", len(p.Conversations)), chat.Group
	c.Members = workload.Range(p.Users, p.Users+crowd)
	p.Users += crowd
	p.Conversations = append(p.Conversations, c)
	p.Streams = append(p.Streams, workload.Stream{Conversation: c.Name, PerSecond: rate, To: p.Length, Bytes: 300})
}

// linkLatency is the network between workers and gateways that loopback does not have.
func linkLatency(scenarios.Size) string { return "at 0s latency fanout-*<->gateway-* 1ms" }

func viralDocument() scenarios.Variant {
	return scenarios.Variant{
		Name:        "document",
		Description: "the document without its mitigations: three parallel writes, and a worker that awaits a lookup and a call per recipient",
		Switches:    profile(chat.ProfileDocument),
		Faults:      linkLatency,
		Settle: func(size scenarios.Size) time.Duration { // the lag is not worked off in any time worth waiting for
			if size == scenarios.Small {
				return 4 * time.Second
			}
			return 10 * time.Second
		},
		Expect: notPromised(map[string]scenarios.Expectation{"no-acked-loss": scenarios.Broken, "history-is-live": scenarios.Broken}),
		Checks: func(size scenarios.Size) []scenarios.Check {
			return []scenarios.Check{
				works(size),
				reachesMany(size, viral, time.Second, scenarios.Broken),
				unharmed(size, sameNeigh, scenarios.Broken),
				unharmed(size, farNeigh, scenarios.Holds),
			}
		},
		Findings: lagGrows,
	}
}

func viralMitigated() scenarios.Variant {
	return scenarios.Variant{
		Name:        "mitigated",
		Description: "the document with its mitigations made honest: two durable writes decide, pushes are batched, and the group limit holds the group to 10 messages a second with a bounded queue",
		Switches:    profile(chat.ProfileMitigated),
		Expect:      notPromised(map[string]scenarios.Expectation{}),
		Checks: func(size scenarios.Size) []scenarios.Check {
			return []scenarios.Check{
				works(size),
				accepts(size, sameNeigh, 0.999), accepts(size, farNeigh, 0.999),
				unharmed(size, sameNeigh, scenarios.Holds), unharmed(size, farNeigh, scenarios.Holds),
			}
		},
		Findings: limitIsTold,
	}
}

func viralHardened() scenarios.Variant {
	sw := profile(chat.ProfileHardened)
	sw.GroupLimit = 0
	return scenarios.Variant{
		Name:        "hardened",
		Description: "without the limit: batched lookups and ordered streams carry the whole load",
		Switches:    sw,
		Checks: func(size scenarios.Size) []scenarios.Check {
			within := 100 * time.Millisecond // the document's target
			if size == scenarios.Small {
				within = time.Second // the order of magnitude: seconds of samples, on a machine that may be busy with other tests
			}
			return []scenarios.Check{works(size), accepts(size, viral, 0.999), reachesMany(size, viral, within, scenarios.Holds)}
		},
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{slowestInTime(n)}
		},
	}
}

// notPromised adds what the write paths leave to chance in which the pods' clocks decide: they give no seq, so that no
// receipts and nothing unread are counted, and their history is ordered by clocks while their live order is the log's.
func notPromised(expect map[string]scenarios.Expectation) map[string]scenarios.Expectation {
	for _, name := range []string{
		"one-sequence-number", "no-silent-skip", "session-order", "agreement", "sender-fifo", "causal-order", "ack-order", "receipts-grounded",
		"unread-converges", "cache-coherent",
	} {
		if _, ok := expect[name]; !ok {
			expect[name] = scenarios.Unknown
		}
	}
	return expect
}
