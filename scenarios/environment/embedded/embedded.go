package embedded

import (
	"context"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/deployment"
)

// Environment starts systems in this world.
type Environment struct {
	deployment.Config
	Reason string // why this world was chosen
}

// Name is the world's name.
func (Environment) Name() string { return "embedded" }

// Why says why this world runs.
func (e Environment) Why() string { return e.Reason }

// Start brings up stores, links and pods and waits until every pod can work.
func (e Environment) Start(ctx context.Context, spec scenarios.Spec) (scenarios.System, error) {
	stores, err := startStores(ctx, spec.Topology.Partitions, spec.Log)
	if err != nil {
		return nil, err
	}
	s, err := deployment.Start(ctx, spec, stores, e.Config)
	if err != nil {
		return nil, err
	}
	return s, nil
}
