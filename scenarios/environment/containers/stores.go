package containers

import (
	"context"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/containers/cluster"
	"github.com/chatlab/chatlab/scenarios/environment/deployment"
)

// stores lends a system the cluster, which lives on when the system ends.
type stores struct{ *cluster.Cluster }

// Endpoints lists where the servers are now.
func (s *stores) Endpoints() []deployment.Endpoint {
	var out []deployment.Endpoint
	for _, server := range s.Servers() {
		out = append(out, deployment.Endpoint{Store: storeOf(server), Name: server.Name, Announced: server.Announced, Address: server.Address()})
	}
	return out
}

func storeOf(s *cluster.Server) deployment.Store {
	switch {
	case s.Kind == cluster.Kafka:
		return deployment.Log
	case s.Kind == cluster.Cassandra:
		return deployment.Tables
	case s.Name == deployment.PresenceName:
		return deployment.Presence
	}
	return deployment.Cache
}

// Limits is what this world cannot do.
func (s *stores) Limits() chaos.Limits { return Limits() }

// Limits is what this world cannot do.
func Limits() chaos.Limits {
	stores, shape := []string{"kafka-*", "cassandra-*", "redis-*"}, []string{"latency", "bandwidth", "refuse", "reset"}
	return chaos.Limits{World: "containers", Refusals: []chaos.Refusal{
		{Verbs: shape, Names: []string{"kafka-*"}, Why: "brokers reach each other without a relay"},
		{Verbs: shape, Names: []string{"cassandra-*"}, Why: "nodes reach each other without a relay"},
		{Verbs: []string{"skew"}, Names: stores, Why: "a server has its machine's clock"},
		{Verbs: []string{"memory"}, Names: stores, Why: "a server's memory is bounded when its container is made"},
		{Verbs: []string{"evict"}, Names: []string{"kafka-*", "cassandra-*"}, Why: "only a Redis evicts"},
	}}
}

// Wires lists the ways between brokers and between nodes.
func (s *stores) Wires(from, to string) (out []chaos.Wire) {
	for _, w := range s.Cluster.Wires(from, to) {
		out = append(out, chaos.Wire{
			From: w.From, To: w.To,
			Cut:  func(ctx context.Context) error { return s.Cut(ctx, w) },
			Mend: func(ctx context.Context) error { return s.Mend(ctx, w) },
		})
	}
	return out
}

// Usage is what each container has used.
func (s *stores) Usage(ctx context.Context) []scenarios.Usage {
	var out []scenarios.Usage
	for name, u := range s.Cluster.Usage(ctx) {
		out = append(out, scenarios.Usage{Process: name, CPUSeconds: u.CPUSeconds, RSSBytes: u.MemoryBytes})
	}
	return out
}

// Close leaves the cluster to the environment.
func (s *stores) Close() error { return nil }
