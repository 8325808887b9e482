package cassandra

import (
	"net"

	"github.com/datastax/go-cassandra-native-protocol/message"
	"github.com/datastax/go-cassandra-native-protocol/primitive"

	"github.com/chatlab/chatlab/sim/cassandra/native"
)

const (
	statusChange = string(primitive.EventTypeStatusChange)
	schemaChange = string(primitive.EventTypeSchemaChange)
)

// maxEvents is how many events may wait for a client that does not read; after that its connection is closed.
const maxEvents = 256

// listenFor makes a connection get events.
func (c *conn) listenFor(events []string) {
	c.node.mu.Lock()
	defer c.node.mu.Unlock()
	if c.events == nil {
		c.interests, c.events = map[string]bool{}, make(chan []byte, maxEvents)
		queue := c.events
		c.node.tasks.Go(func() { c.sendEvents(queue) })
	}
	for _, e := range events {
		c.interests[e] = true
	}
}

func (c *conn) sendEvents(queue chan []byte) {
	for {
		select {
		case e := <-queue:
			if c.write(e) != nil {
				return
			}
		case <-c.done:
			return
		}
	}
}

func (c *Cluster) announceStatus(n *node, change primitive.StatusChangeType) {
	address := &primitive.Inet{Addr: net.IP(n.IP.AsSlice()), Port: Port}
	c.announce(statusChange, &message.StatusChangeEvent{ChangeType: change, Address: address})
}

// announce sends an event to every connection that wants such events.
func (c *Cluster) announce(kind string, m message.Message) {
	event, err := c.encoder.Append(nil, native.EventStream, m)
	if err != nil {
		c.cfg.Log.Error("encode event failed", "error", err)
		return
	}
	for _, n := range c.nodes {
		n.announce(kind, event)
	}
}

func (n *node) announce(kind string, event []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		if !c.interests[kind] {
			continue
		}
		select {
		case c.events <- event:
		default:
			c.net.Close()
		}
	}
}
