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
func (s *stores) Limits() chaos.Limits {
	l := chaos.Limits{World: "containers"}
	for verb, why := range map[string]string{
		"skew":   "a container has its machine's clock",
		"memory": "a server's memory is limited when its container is made",
	} {
		for _, name := range []string{"kafka-*", "cassandra-*", "redis-*"} {
			l.Refusals = append(l.Refusals, chaos.Refusal{Verb: verb, Name: name, Why: why})
		}
	}
	for _, name := range []string{"kafka-*", "cassandra-*"} {
		l.Refusals = append(l.Refusals, chaos.Refusal{Verb: "evict", Name: name, Why: "only a cache evicts"})
	}
	return l
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
