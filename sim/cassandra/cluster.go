// Package cassandra is a Cassandra cluster in memory that speaks version 4 of the CQL native protocol to stock drivers and
// takes the statements of which the chat system's are examples.
package cassandra

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/datastax/go-cassandra-native-protocol/primitive"

	"github.com/chatlab/chatlab/sim/cassandra/native"
	"github.com/chatlab/chatlab/sim/cassandra/ring"
	"github.com/chatlab/chatlab/sim/cassandra/schema"
)

// Cluster is a set of nodes, each with its own replica of the data, its own listener and its own connections.
type Cluster struct {
	cfg     Config
	ring    *ring.Ring
	catalog *schema.Catalog
	encoder *native.Encoder
	stats   *stats
	nodes   []*node

	supported []byte // an answer to OPTIONS
}

// New starts a cluster.
func New(cfg Config) (*Cluster, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	c := &Cluster{
		cfg: cfg, ring: ring.New(len(cfg.Nodes)), catalog: schema.NewCatalog(systemTables()),
		encoder: native.NewEncoder(), stats: newStats(),
	}
	var err error
	if c.supported, err = c.encoder.Append(nil, 0, supported()); err != nil {
		return nil, fmt.Errorf("encode what is supported: %w", err)
	}
	for i, n := range cfg.Nodes {
		c.nodes = append(c.nodes, newNode(c, n, c.ring.Members()[i]))
	}
	for _, n := range c.nodes {
		if err := n.start(); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// Close stops all nodes.
func (c *Cluster) Close() {
	for _, n := range c.nodes {
		n.stop()
	}
}

func (c *Cluster) node(name string) (*node, error) {
	for _, n := range c.nodes {
		if n.Name == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("find node: there is no %q", name)
}

// Start brings a stopped node back with its old data on the same address. A running node is left alone.
func (c *Cluster) Start(name string) error {
	n, err := c.node(name)
	if err != nil {
		return err
	}
	if n.running() {
		return nil
	}
	if err := n.start(); err != nil {
		return err
	}
	c.announceStatus(n, primitive.StatusChangeTypeUp)
	return nil
}

// Stop closes a node's listener and all its connections at once. Its replica takes no part in anything until Start and
// misses the writes in between. A stopped node is left alone.
func (c *Cluster) Stop(name string) error {
	n, err := c.node(name)
	if err != nil {
		return err
	}
	if n.stop() {
		c.announceStatus(n, primitive.StatusChangeTypeDown)
	}
	return nil
}

// missedAfter is when the others say that a frozen node is down: about as long as Cassandra's failure detector takes.
const missedAfter = 10 * time.Second

// Freeze stops a node as SIGSTOP does: it accepts and never answers, and its replica takes no part in anything until Thaw. Clients
// hear of it late. The other coordinators go round it at once, which real ones do not.
func (c *Cluster) Freeze(name string) error {
	n, err := c.node(name)
	if err == nil && n.freeze(func() { c.announceStatus(n, primitive.StatusChangeTypeDown) }) {
		c.cfg.Log.Info("node is frozen", "node", name)
	}
	return err
}

// Thaw lets a frozen node go on: it answers what it was asked meanwhile. One that was missed is announced again.
func (c *Cluster) Thaw(name string) error {
	n, err := c.node(name)
	if err == nil && n.thaw() {
		c.announceStatus(n, primitive.StatusChangeTypeUp)
	}
	return err
}

// Addr is where a node listens or, if it is stopped, will listen again; "" for an unknown node.
func (c *Cluster) Addr(name string) string {
	n, err := c.node(name)
	if err != nil {
		return ""
	}
	return n.address()
}

// Names lists the nodes.
func (c *Cluster) Names() []string {
	out := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		out[i] = n.Name
	}
	return out
}

// Hosts lists the addresses that the nodes announce, as contact points for a driver.
func (c *Cluster) Hosts() []string {
	out := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		out[i] = n.announced()
	}
	return out
}

// Routes leads from the addresses that the nodes announce to those where they listen.
func (c *Cluster) Routes() map[string]string {
	out := map[string]string{}
	for _, n := range c.nodes {
		out[n.announced()] = n.address()
	}
	return out
}

func (n *node) announced() string { return net.JoinHostPort(n.IP.String(), strconv.Itoa(Port)) }
