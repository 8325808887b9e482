// Package catalogue holds the what-if questions, one a file.
package catalogue

import (
	"fmt"
	"strings"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/system/chat"
)

// All lists the scenarios.
func All() []scenarios.Scenario {
	return []scenarios.Scenario{SteadyState(), ViralGroup(), DeployDrain(), PodCrash(), RedisLoss(), KafkaBrokerLoss(), CassandraNodeLoss(), SevenDayReconnect()}
}

// Find returns a scenario by name.
func Find(name string) (scenarios.Scenario, error) {
	var names []string
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return scenarios.Scenario{}, fmt.Errorf("scenario %q is unknown: want %s", name, strings.Join(names, " or "))
}

// profile is for the catalogue's own names, which exist.
func profile(name string) chat.Switches {
	sw, err := chat.Profile(name)
	if err != nil {
		panic(err)
	}
	return sw
}

// topology is the smallest that has two of everything that matters: gateways to deliver across, workers to share
// partitions, message pods to meet at.
func topology() scenarios.Topology {
	return scenarios.Topology{Gateways: 2, Messages: 2, Workers: 2, Presences: 1, Partitions: 24}
}
