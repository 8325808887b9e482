package cassandra

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// Port is the port of the addresses that nodes announce.
const Port = 9042

// Config describes a cluster. Its zero value is three nodes on free loopback ports.
type Config struct {
	Nodes []Node
	// Listen opens a node's listener; nil means net.Listen.
	Listen func(network, address string) (net.Listener, error)
	// Now is the nodes' clock, from which TTLs count; nil means time.Now.
	Now func() time.Time
	Log *slog.Logger // nil means none
}

// Node describes a node.
type Node struct {
	Name string
	// IP is what the node announces; with Port it is what drivers dial. It should lead nowhere by itself: two nodes
	// must not share one, because drivers tell nodes apart by it.
	IP netip.Addr
	// Bind is the address to listen on; "" means a free port of 127.0.0.1.
	Bind string
}

// Nodes describes n nodes called cassandra-1 and so on, which announce 10.77.0.1 and so on.
func Nodes(n int) []Node {
	out := make([]Node, n)
	for i := range out {
		out[i] = Node{Name: fmt.Sprintf("cassandra-%d", i+1), IP: netip.AddrFrom4([4]byte{10, 77, 0, byte(i + 1)})}
	}
	return out
}

func (cfg Config) withDefaults() Config {
	if len(cfg.Nodes) == 0 {
		cfg.Nodes = Nodes(3)
	}
	if cfg.Listen == nil {
		cfg.Listen = net.Listen
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// maxNodes bounds a cluster.
const maxNodes = 100

func (cfg Config) check() error {
	if len(cfg.Nodes) > maxNodes {
		return fmt.Errorf("check nodes: %d are more than %d", len(cfg.Nodes), maxNodes)
	}
	names, addresses := map[string]bool{}, map[netip.Addr]bool{}
	for _, n := range cfg.Nodes {
		if n.Name == "" || !n.IP.IsValid() || names[n.Name] || addresses[n.IP] {
			return fmt.Errorf("check nodes: %q at %s needs a name and an address that no other node has", n.Name, n.IP)
		}
		names[n.Name], addresses[n.IP] = true, true
	}
	return nil
}
