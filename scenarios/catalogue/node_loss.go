package catalogue

import (
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
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
		Play:     storePlay,
		Variants: []scenarios.Variant{twoNodesDocument(), oneNode(), twoNodes()},
	}
}

func twoNodesDocument() scenarios.Variant {
	return scenarios.Variant{
		Name:        "document",
		Description: "two nodes die: nobody can send until one is back",
		Switches:    profile(chat.ProfileDocument),
		Faults:      dies("cassandra-2", "cassandra-3"),
		Expect:      notPromised(map[string]scenarios.Expectation{"no-acked-loss": scenarios.Unknown, "history-is-live": scenarios.Unknown, "shown-at-most-once": scenarios.Unknown}),
		Checks:      func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size)} },
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
			return []scenarios.Check{works(size), accepts(size, "", 0.999)}
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
		Checks:      func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size)} },
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{deliveriesStop(n)}
		},
	}
}
