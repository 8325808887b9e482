package catalogue_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/catalogue"
	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/system/chat"
)

// TestStandInsReturnSooner: a stand-in has nothing to start, so that its return is held to less than a server's.
func TestStandInsReturnSooner(t *testing.T) {
	for _, c := range []struct {
		scenario     scenarios.Scenario
		world        string
		within, back float64
		heals        bool
	}{
		{catalogue.KafkaBrokerLoss(), "embedded", 12, 3, true},
		{catalogue.KafkaBrokerLoss(), "embedded", 13, 0, false},
		{catalogue.KafkaBrokerLoss(), "embedded", 5, 3.1, false},
		{catalogue.KafkaBrokerLoss(), "containers", 5, 12, true},
		{catalogue.KafkaBrokerLoss(), "containers", 5, 12.1, false},
		{catalogue.CassandraNodeLoss(), "embedded", 0, 3.1, false},
		{catalogue.CassandraNodeLoss(), "containers", 0, 5, true},
		{catalogue.CassandraNodeLoss(), "containers", 0, 5.1, false},
	} {
		t.Run(fmt.Sprintf("%s in %s: %g s, %g s after", c.scenario.Name, c.world, c.within, c.back), func(t *testing.T) {
			n := &measure.Numbers{Header: history.Header{World: c.world}, Healing: measure.Healing{
				Live: 100, Late: 10, Within: measure.Number(c.within), Return: measure.Number(c.back),
			}}
			require.Equal(t, c.heals, heals(t, c.scenario, n).OK)
		})
	}
}

func heals(t *testing.T, sc scenarios.Scenario, n *measure.Numbers) scenarios.Finding {
	v, err := sc.Variant(chat.ProfileHardened)
	require.NoError(t, err)
	for _, f := range v.Findings(scenarios.Small, sc.Play(scenarios.Small), n) {
		if f.Name == "heals" {
			return f
		}
	}
	t.Fatal("nothing is said of healing")
	return scenarios.Finding{}
}
