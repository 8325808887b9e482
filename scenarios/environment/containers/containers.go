// Package containers is the world of real servers: Kafka, Cassandra and Redis in containers, pods as child processes, and a
// relay on every link between them.
package containers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/containers/cluster"
	"github.com/chatlab/chatlab/scenarios/environment/deployment"
	"github.com/chatlab/chatlab/system/cassandra"
)

// Environment starts systems around one cluster, one after another: each finds the stores empty.
type Environment struct {
	deployment.Config
	Reason string // why this world was chosen

	cluster *cluster.Cluster
}

// Open uses the servers that chatlab up keeps, or starts some and warms them up.
func Open(ctx context.Context, cfg cluster.Config) (*Environment, error) {
	c, err := cluster.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	e := &Environment{cluster: c}
	if !c.New {
		return e, nil
	}
	if err := e.warm(ctx); err != nil {
		return nil, errors.Join(err, c.Abandon())
	}
	return e, nil
}

// Servers lists the servers.
func (e *Environment) Servers() []*cluster.Server { return e.cluster.Servers() }

// Took is how long the servers took to answer.
func (e *Environment) Took() time.Duration { return e.cluster.Took }

// Close removes the servers that Open started.
func (e *Environment) Close() error { return e.cluster.Close() }

// Name is the world's name.
func (e *Environment) Name() string { return "containers" }

// Why says why this world runs.
func (e *Environment) Why() string { return e.Reason }

// Start empties the stores, brings up links and pods and waits until every pod can work.
func (e *Environment) Start(ctx context.Context, spec scenarios.Spec) (scenarios.System, error) {
	if e.cluster == nil {
		return nil, errors.New("start system: the servers were never started: use Open")
	}
	s := &stores{e.cluster}
	if err := e.cluster.Empty(ctx, cluster.Schema{Keyspace: deployment.Keyspace, Full: cassandra.MigrationTables()}); err != nil {
		return nil, fmt.Errorf("empty stores: %w", err)
	}
	if err := deployment.Migrate(ctx, s, spec.Topology.Partitions); err != nil {
		return nil, err
	}
	sys, err := deployment.Start(ctx, spec, s, e.Config)
	if err != nil {
		return nil, err
	}
	return sys, nil
}
