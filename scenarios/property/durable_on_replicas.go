package property

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// DurableOnReplicas promises that after a repair each replica of the rows has what was acknowledged: also one that was away
// while it was written.
func DurableOnReplicas() Property {
	return Property{
		Name:    "durable-on-replicas",
		Promise: "After a repair every replica, read alone, has every acknowledged message.",
		New:     func(n Names) Checker { return &replicas{evidence: evidence{names: n}} },
	}
}

type replicas struct {
	evidence
	messages ledger.Rows[copies] // by client_msg_id
	nodes    []history.ID        // their places are their bits
	end      ledger.Rows[uint64] // by conversation: the nodes that were read before the repair
	repaired ledger.Rows[uint64] // and after it
	lacked   []int               // messages, by node, before the repair
}

type copies struct {
	conversation, device history.ID
	acked                bool
	at                   time.Duration // of the acknowledgement
	end, repaired        uint64        // the nodes that hold it
}

func (c *replicas) Observe(e *history.Event) {
	switch e.Kind {
	case history.Send:
		m := c.messages.Of(e.ClientMsg)
		m.conversation, m.device = e.Conversation, e.Device
	case history.Acked:
		m := c.messages.Of(e.ClientMsg)
		m.acked, m.at = true, e.At
	case history.Held:
		m := c.messages.Of(e.Identity())
		if c.names(e.Text) == history.Repaired {
			m.repaired |= c.bit(e.Label)
		} else {
			m.end |= c.bit(e.Label)
		}
	case history.ReplicaRead:
		read := &c.end
		if c.names(e.Text) == history.Repaired {
			read = &c.repaired
		}
		*read.Of(e.Conversation) |= c.bit(e.Label)
	}
}

// bit is a node's own; there are fewer nodes than bits.
func (c *replicas) bit(node history.ID) uint64 {
	n := slices.Index(c.nodes, node)
	if n < 0 {
		n = len(c.nodes)
		c.nodes, c.lacked = append(c.nodes, node), append(c.lacked, 0)
	}
	return 1 << n
}

func (c *replicas) Verdict() Verdict {
	expected := "a row on every replica for every acknowledged message, after a repair"
	var judged, acked int64
	for n, m := range c.messages.All {
		if !m.acked {
			continue
		}
		acked++
		read := c.repaired.Find(m.conversation)
		if read == nil {
			continue
		}
		judged++
		if before := c.end.Find(m.conversation); before != nil {
			for _, n := range c.of(*before &^ m.end) {
				c.lacked[n]++
			}
		}
		for _, lacks := range c.of(*read &^ m.repaired) {
			c.add(m.at, "%v of %v in %v was acknowledged: %v has no row of it", c.messages.IDs[n], m.device, m.conversation, c.nodes[lacks])
		}
	}
	switch {
	case acked == 0:
		return unknown(expected, "no send was acknowledged")
	case judged == 0:
		return unknown(expected, "no replica was read alone after a repair")
	}
	return c.verdict(expected, "%d rows of %s missing on %d replicas; before the repair %s", c.breaks, count(judged, "acknowledged message"), len(c.nodes), c.before())
}

// of lists the nodes of a set.
func (c *replicas) of(set uint64) (nodes []int) {
	for n := range c.nodes {
		if set&(1<<n) != 0 {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// before says what was missing until the repair.
func (c *replicas) before() string {
	said := make([]string, len(c.nodes))
	for n, node := range c.nodes {
		said[n] = fmt.Sprintf("%s lacked %d", c.name(node), c.lacked[n])
	}
	return strings.Join(said, ", ")
}
