package mutants

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/property"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// crowds is a play in which many open a conversation together while the cache is away, and when it is back and empty.
func crowds() scenarios.Scenario {
	return scenarios.Scenario{
		Name:     "mutants, crowds",
		Question: "Does the lab notice a defect that concerns what many want at once?",
		Topology: crowdsTopology(),
		Play:     func(scenarios.Size) scenarios.Play { return crowdsPlay() },
	}
}

func crowdsTopology() scenarios.Topology {
	return scenarios.Topology{Gateways: 2, Messages: 2, Workers: 2, Presences: 1, Partitions: 6}
}

const crowd = 16 // members

func crowdsPlay() scenarios.Play {
	const length = 8 * time.Second
	return scenarios.Play{
		Steady: time.Second, Fault: 4 * time.Second, Recovery: 3 * time.Second, Settle: 6 * time.Second, Crowd: "crowd",
		Plan: workload.Plan{
			Users: crowd, Length: length,
			Conversations: []workload.Conversation{{Name: "crowd", Kind: chat.Group, Members: workload.Range(0, crowd)}},
			Streams:       []workload.Stream{{Conversation: "crowd", PerSecond: 5, To: length, Bytes: 100}},
		},
	}
}

func crowdsFaults(scenarios.Size) string {
	p := crowdsPlay()
	return fmt.Sprintf("at %s kill redis-cache for %s", p.Steady, p.Fault)
}

func crowdsChecks() []property.Property {
	most := scenarios.SharedReads(crowdsTopology().Messages)
	return []property.Property{property.ReadsPerMiss(property.Crowd{Members: crowd * 3 / 4, Reads: most})}
}
