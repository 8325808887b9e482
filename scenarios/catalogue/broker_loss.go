package catalogue

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/system/chat"
)

// KafkaBrokerLoss asks what a dead broker costs those who write.
//
// With three replicas nothing has to be moved: the log elects other leaders. What is felt is how long drivers go on
// asking the dead one, and whether a write that nobody answered is written again as a second message.
func KafkaBrokerLoss() scenarios.Scenario {
	return scenarios.Scenario{
		Name:     "kafka-broker-loss",
		Question: "One of three Kafka brokers dies while people write. How long do writes stall, and is anything lost or doubled?",
		Claims:   brokerClaims(),
		Topology: scenarios.Topology{Gateways: 2, Messages: 2, Workers: 2, Presences: 1, Partitions: 24},
		Play:     brokerPlay,
		Variants: []scenarios.Variant{brokerDocument(), brokerDefaults(), leaderAcks(), allAcks(), brokerCutOff(), brokerHardened()},
	}
}

// storePlay is the workload of what happens to stores: small groups that talk all the time.
func storePlay(size scenarios.Size) scenarios.Play {
	if size == scenarios.Document {
		return groupsTalk(size, 100, 5, 1)
	}
	return groupsTalk(size, 10, 5, smallRate)
}

// brokerPlay says as much in more groups: a broker that dies hits only those whose partition it leads, and of ten groups
// that is none in one run of sixty.
func brokerPlay(size scenarios.Size) scenarios.Play {
	if size == scenarios.Document {
		return storePlay(size)
	}
	return groupsTalk(size, 20, 4, smallRate/2)
}

func groupsTalk(size scenarios.Size, groups, members int, rate float64) scenarios.Play {
	p := scenarios.Play{Steady: 4 * time.Second, Fault: 16 * time.Second, Recovery: 4 * time.Second, Settle: 20 * time.Second, Step: 250 * time.Millisecond}
	if size == scenarios.Document {
		p.Steady, p.Fault, p.Recovery, p.Settle = 10*time.Second, 60*time.Second, 15*time.Second, 60*time.Second
	}
	p.Scale = []scenarios.Scale{{What: "messages/s", Factor: float64(groups) * rate / 50_000, Reason: "two cores carry devices, pods and stores together"}}
	p.Plan = chattingGroups(groups, members, rate, p.Steady+p.Fault+p.Recovery)
	return p
}

// dies kills nodes at the fault's beginning and brings them back two seconds before its end.
func dies(nodes ...string) func(scenarios.Size) string {
	return func(size scenarios.Size) (schedule string) {
		p := storePlay(size)
		for _, n := range nodes {
			schedule += fmt.Sprintf("at %s kill %s for %s\n", p.Steady, n, p.Fault-2*time.Second)
		}
		return schedule
	}
}

// cutOff takes a server from the others of its kind for as long as dies kills one.
func cutOff(server, others string) func(scenarios.Size) string {
	return func(size scenarios.Size) string {
		p := storePlay(size)
		return fmt.Sprintf("at %s cut %s<->%s for %s", p.Steady, server, others, p.Fault-2*time.Second)
	}
}

func brokerDocument() scenarios.Variant {
	return scenarios.Variant{
		Name:        "document",
		Description: "a message is published once it is stored; whoever gets no answer sends it again",
		Switches:    profile(chat.ProfileDocument),
		Faults:      dies("kafka-2"),
		Expect:      notPromised(map[string]scenarios.Expectation{"no-acked-loss": scenarios.Unknown, "history-is-live": scenarios.Unknown, "shown-at-most-once": scenarios.Unknown}),
		Checks:      func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size)} },
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{isFelt(n)}
		},
	}
}

func brokerHardened() scenarios.Variant {
	return scenarios.Variant{
		Name:        "hardened",
		Description: "the log decides, and its workers know a message that was written twice",
		Switches:    profile(chat.ProfileHardened),
		Faults:      dies("kafka-2"),
		Checks: func(size scenarios.Size) []scenarios.Check {
			return []scenarios.Check{works(size), accepts(size, "", 0.99)}
		},
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{isFelt(n), healsWithin(n, brokerHeals)}
		},
	}
}

func brokerDefaults() scenarios.Variant {
	return scenarios.Variant{
		Name:        "driver-defaults",
		Description: "the same as hardened, but producers wait, try again and look for leaders as the driver would",
		Switches:    driverDefaults(),
		Faults:      dies("kafka-2"),
		Checks:      func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size)} },
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{isFelt(n)}
		},
	}
}

func driverDefaults() chat.Switches {
	sw := profile(chat.ProfileHardened)
	sw.DriverDefaults = true
	return sw
}

// followersStopThenLeaderDies: what the leader takes while its followers stand still is nowhere else when it dies. They go
// on a second after its death, and lead.
func followersStopThenLeaderDies(size scenarios.Size) string {
	p := storePlay(size)
	return fmt.Sprintf("at %s freeze kafka-1 for 5s\nat %s freeze kafka-3 for 5s\nat %s kill kafka-2 for %s", p.Steady, p.Steady, p.Steady+4*time.Second, p.Fault-6*time.Second)
}

const noReplicas = "a stand-in keeps one log for all brokers, so that no record is on one of them alone"

func leaderAcks() scenarios.Variant {
	sw := profile(chat.ProfileHardened)
	sw.Acks = chat.AcksLeader
	return scenarios.Variant{
		Name:        "acks-leader",
		Description: "a write counts when its leader has it; its followers stand still, and then the leader dies: what was acknowledged is gone",
		World:       "containers", Why: noReplicas,
		Switches: sw,
		Faults:   followersStopThenLeaderDies,
		Expect:   map[string]scenarios.Expectation{"no-acked-loss": scenarios.Broken, "durable-in-store": scenarios.Broken},
		Settle:   func(scenarios.Size) time.Duration { return 10 * time.Second }, // what is gone does not arrive
		Checks:   func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size)} },
	}
}

func allAcks() scenarios.Variant {
	return scenarios.Variant{
		Name:        "acks-all",
		Description: "the same happens to writes that count when all replicas in sync have them: they wait, and nothing is lost",
		World:       "containers", Why: noReplicas,
		Switches: profile(chat.ProfileHardened),
		Faults:   followersStopThenLeaderDies,
		Checks:   func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size)} },
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{isFelt(n)}
		},
	}
}

func brokerCutOff() scenarios.Variant {
	return scenarios.Variant{
		Name:        "cut-off",
		Description: "a broker lives, and all reach it but the other brokers: it leads on until they elect others, and what it alone has does not count",
		World:       "containers", Why: "the stand-ins of brokers share one log",
		Switches: profile(chat.ProfileHardened),
		Faults:   cutOff("kafka-2", "kafka-*"),
		Checks:   func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size)} },
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{isFelt(n)}
		},
	}
}
