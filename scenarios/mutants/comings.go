package mutants

import (
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/property"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// comings is a play in which people come and go, watch each other and are notified. Presence forgets in seconds, so that
// all of it is decided in a quarter of a minute.
func comings() scenarios.Scenario {
	return scenarios.Scenario{
		Name:     "mutants, coming and going",
		Question: "Does the lab notice a defect that concerns who is there and who is not?",
		Topology: scenarios.Topology{Gateways: 2, Messages: 2, Workers: 2, Presences: 1, Pushes: 1, Partitions: 6},
		Play:     func(scenarios.Size) scenarios.Play { return comingsPlay() },
	}
}

// comingsPlay: of a group, one is away all the time, one comes, and one goes. Two talk all the time.
func comingsPlay() scenarios.Play {
	const comes, goes, away, length = 4, 3, 5, 12 * time.Second
	return scenarios.Play{
		Steady: length - time.Second, Fault: time.Second / 2, Recovery: time.Second / 2, Settle: 6 * time.Second,
		PresenceTTL: 3 * time.Second, Heartbeat: time.Second, Watches: 2,
		Plan: workload.Plan{
			Users: 8, Length: length,
			Conversations: []workload.Conversation{
				{Name: "group", Kind: chat.Group, Members: workload.Range(0, 6)},
				{Name: "pair", Kind: chat.Direct, Members: workload.Range(6, 8)},
			},
			Streams: []workload.Stream{
				{Conversation: "group", PerSecond: 5, To: length, Bytes: 100, Senders: workload.Range(0, goes)},
				{Conversation: "pair", PerSecond: 3, To: length, Bytes: 100},
			},
			Absences: []workload.Absence{{User: away}, {User: comes, To: 3 * time.Second}, {User: goes, From: time.Second}},
		},
	}
}

func comingsChecks() []property.Property {
	p := comingsPlay()
	fresh := p.Freshness(false)
	return []property.Property{p.NotMissed(), p.NotSpurious(), property.PresenceSafe(fresh), property.PresenceLive(fresh)}
}
