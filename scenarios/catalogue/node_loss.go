package catalogue

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/scenarios/property"
	"github.com/chatlab/chatlab/system/chat"
)

// CassandraNodeLoss asks what storage costs that lost one replica of three, and then two.
//
// One is what a quorum is for. With two down no quorum is left: who may write cannot be read, so sends are refused with a
// code that lets devices try again, and what was said meanwhile is there when a quorum is back.
func CassandraNodeLoss() scenarios.Scenario {
	return scenarios.Scenario{
		Name:     "cassandra-node-loss",
		Question: "One of three Cassandra nodes dies, and then a second. Who can still write, and who still reads?",
		Claims:   nodeClaims(),
		Topology: scenarios.Topology{Gateways: 2, Messages: 2, Workers: 2, Presences: 1, Partitions: 24},
		Play: func(size scenarios.Size) scenarios.Play {
			p := storePlay(size)
			p.Replicas = true
			return p
		},
		Variants: []scenarios.Variant{twoNodesDocument(), deadByDefaults(), frozenByDefaults(), oneNode(), frozenNode(), nodeCutOff(), twoNodes()},
	}
}

// onEveryReplica: what was away while others wrote has it after a repair.
func onEveryReplica() scenarios.Check {
	return scenarios.Check{Property: property.DurableOnReplicas(), Expect: scenarios.Holds}
}

// freezes stops a node for as long as dies kills one: it accepts connections and never answers.
func freezes(node string) func(scenarios.Size) string {
	return func(size scenarios.Size) string {
		p := storePlay(size)
		return fmt.Sprintf("at %s freeze %s for %s", p.Steady, node, p.Fault-2*time.Second)
	}
}

func twoNodesDocument() scenarios.Variant {
	return scenarios.Variant{
		Name:        "document",
		Description: "two nodes die: nobody can send until one is back",
		Switches:    profile(chat.ProfileDocument),
		Faults:      dies("cassandra-2", "cassandra-3"),
		Expect:      notPromised(map[string]scenarios.Expectation{"no-acked-loss": scenarios.Unknown, "history-is-live": scenarios.Unknown, "shown-at-most-once": scenarios.Unknown}),
		Checks:      func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size), onEveryReplica()} },
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{isFelt(n), deliveriesStop(n)}
		},
	}
}

func oneNode() scenarios.Variant {
	return scenarios.Variant{
		Name:        "hardened",
		Description: "one node dies: a quorum is left, and no send fails",
		Switches:    profile(chat.ProfileHardened),
		Faults:      dies("cassandra-2"),
		Checks: func(size scenarios.Size) []scenarios.Check {
			return []scenarios.Check{works(size), accepts(size, "", 0.999), onEveryReplica()}
		},
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{healsWithin(n, nodeHeals)}
		},
	}
}

func twoNodes() scenarios.Variant {
	return scenarios.Variant{
		Name:        "two-down",
		Description: "two nodes die: sends are refused honestly and tried again, and nothing is lost",
		Switches:    profile(chat.ProfileHardened),
		Faults:      dies("cassandra-2", "cassandra-3"),
		Checks:      func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size), onEveryReplica()} },
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{deliveriesStop(n)}
		},
	}
}

func frozenNode() scenarios.Variant {
	return scenarios.Variant{
		Name:        "frozen",
		Description: "one node is frozen instead: it is asked until its time is up, then another is, and no send fails",
		Switches:    profile(chat.ProfileHardened),
		Faults:      freezes("cassandra-2"),
		Checks: func(size scenarios.Size) []scenarios.Check {
			return []scenarios.Check{works(size), accepts(size, "", 0.999), onEveryReplica()}
		},
	}
}

func deadByDefaults() scenarios.Variant {
	return scenarios.Variant{
		Name:        "driver-defaults",
		Description: "one node dies, and the driver waits, tries again and chooses nodes as it would",
		Switches:    driverDefaults(),
		Faults:      dies("cassandra-2"),
		Checks:      func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size), onEveryReplica()} },
	}
}

func frozenByDefaults() scenarios.Variant {
	return scenarios.Variant{
		Name:        "frozen-driver-defaults",
		Description: "one node is frozen, and the driver has its own patience: whoever is sent to that node waits for it",
		Switches:    driverDefaults(),
		Faults:      freezes("cassandra-2"),
		Checks:      func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size), onEveryReplica()} },
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{isFelt(n)}
		},
	}
}

func nodeCutOff() scenarios.Variant {
	return scenarios.Variant{
		Name:        "cut-off",
		Description: "one node lives, and all reach it but the other nodes: whom it refuses, or keeps waiting, asks another",
		World:       "containers", Why: "the stand-ins of nodes call each other",
		Switches: profile(chat.ProfileHardened),
		Faults:   cutOff("cassandra-2", "cassandra-*"),
		Checks: func(size scenarios.Size) []scenarios.Check {
			return []scenarios.Check{works(size), accepts(size, "", 0.99), onEveryReplica()}
		},
	}
}
