package deployment

import (
	"fmt"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/system/node"
)

// Logical ports: where a pod says that it is. Relays lead from there to loopback.
const (
	rpcPort    = 7000
	publicPort = 8080
	pushPort   = 443
)

const (
	pushProviders = "push-providers"
	clients       = "clients" // the end at which the devices are
)

// podNames lists the pods of a role.
func podNames(role string, t scenarios.Topology) []string {
	n := map[string]int{node.Edge: 1, node.Gateway: t.Gateways, node.Message: t.Messages, node.Presence: t.Presences, node.Fanout: t.Workers, node.Push: t.Pushes}[role]
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d", role, i+1)
	}
	return names
}

// calls lists whom a role's pods call: other roles.
func calls(role string) []string {
	switch role {
	case node.Edge:
		return []string{node.Message, node.Presence, node.Gateway}
	case node.Gateway:
		return []string{node.Message, node.Presence}
	case node.Fanout:
		return []string{node.Gateway}
	}
	return nil
}

// uses says which stores a role's pods dial.
func uses(role string, s Store) bool {
	switch s {
	case Log, Tables:
		return role == node.Message || role == node.Fanout || role == node.Push
	case Cache:
		return role == node.Message || role == node.Fanout
	case Presence:
		return role == node.Presence || role == node.Fanout || role == node.Push
	case providers:
		return role == node.Push
	}
	return false
}

func at(host string, port int) string { return fmt.Sprintf("%s:%d", host, port) }
func rpc(pod string) string           { return at(pod, rpcPort) }
func public(pod string) string        { return at(pod, publicPort) }

func addresses(pods []string, of func(string) string) []string {
	out := make([]string, len(pods))
	for i, p := range pods {
		out[i] = of(p)
	}
	return out
}
