package deployment

import (
	"context"
	"net"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/transport"
)

// Stores are what a world gives the system to keep things in.
type Stores interface {
	// Endpoints lists every address at which a store can be reached as it is now.
	Endpoints() []Endpoint
	// Kill, Stop, Freeze, Thaw and Start do to a broker, node or server what their namesakes do to a pod. After Start it
	// runs, maybe at another address, and Probe says when it answers.
	Kill(ctx context.Context, name string) error
	Stop(ctx context.Context, name string) error
	Freeze(ctx context.Context, name string) error
	Thaw(ctx context.Context, name string) error
	Start(ctx context.Context, name string) error
	// Probe returns nil when one of them does its work, and Evict drops a share of what a Redis holds.
	Probe(ctx context.Context, name string) error
	Evict(ctx context.Context, name string, percent int) error
	// Wires lists the ways between servers that can be cut.
	Wires(from, to string) []chaos.Wire
	// Limits is what this world cannot do.
	Limits() chaos.Limits
	// Ready returns nil when all of them work.
	Ready(context.Context) error
	// Usage is what each server has used; none if the lab's process has.
	Usage(context.Context) []scenarios.Usage
	Close() error
}

// Store says what an endpoint is a part of.
type Store string

// The stores.
const (
	Log       Store = "log"
	Tables    Store = "tables"
	Cache     Store = "cache"
	Presence  Store = "presence"
	providers Store = "providers"
)

// Names of the Redis servers in every world.
const (
	CacheName    = "redis-cache"
	PresenceName = "redis-presence"
)

// Endpoint is one address at which a store can be reached.
type Endpoint struct {
	Store     Store
	Name      string // of the broker, node or server, as faults call it
	Announced string // as drivers dial it
	Address   string // where it is
}

// endpoints are those of the stores and of the push providers.
func (s *System) endpoints() []Endpoint {
	all := s.stores.Endpoints()
	if s.push != nil {
		all = append(all, Endpoint{providers, pushProviders, at(pushProviders, pushPort), s.push.Addr()})
	}
	return all
}

func (s *System) announced(of Store) (all []string) {
	for _, e := range s.endpoints() {
		if e.Store == of {
			all = append(all, e.Announced)
		}
	}
	return all
}

func (s *System) isStore(name string) bool {
	for _, e := range s.endpoints() {
		if e.Name == name {
			return e.Store != providers
		}
	}
	return false
}

// Keyspace is where the system keeps its tables.
const Keyspace = "chat"

// Migrate makes what the system needs in the stores.
func Migrate(ctx context.Context, stores Stores, partitions int) error {
	s := &System{stores: stores}
	return node.Migrate(ctx, node.Config{
		Kafka: s.announced(Log), Partitions: partitions, Cassandra: s.announced(Tables), Keyspace: Keyspace, Network: Direct(stores),
	})
}

// Direct is the lab's own way to the stores, past every relay, to wherever they are at the moment of a dial: what it reads
// is no part of what it breaks.
func Direct(stores Stores) transport.Network {
	return transport.Network{DialFunc: func(ctx context.Context, network, address string) (net.Conn, error) {
		for _, e := range stores.Endpoints() {
			if e.Announced == address {
				address = e.Address
			}
		}
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}}
}
