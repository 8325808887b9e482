// Package affinity sends the calls about one conversation to one message pod, by rendezvous hashing.
//
// The affinity is soft: it makes limits, caches and single flight meet, and correctness never depends on it.
package affinity

import (
	"fmt"

	"github.com/cespare/xxhash/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// Messages are the message pods.
type Messages struct {
	pods []pod
}

type pod struct {
	address string
	conn    *grpc.ClientConn
	client  pb.MessagesClient
}

// New makes clients of the pods at these addresses; they dial when they are first used.
func New(n transport.Network, addresses []string) (*Messages, error) {
	m := &Messages{}
	for _, a := range addresses {
		conn, err := n.Client(a)
		if err != nil {
			m.Close()
			return nil, fmt.Errorf("make client of message pod: %w", err)
		}
		m.pods = append(m.pods, pod{a, conn, pb.NewMessagesClient(conn)})
	}
	return m, nil
}

// For returns the pod of a conversation: of those that are not known to be away, the one with the highest hash. When a
// pod goes, only its conversations move; when it is back, they return.
func (m *Messages) For(conversation chat.ID) pb.MessagesClient {
	best := m.best(conversation, func(p pod) bool { return p.conn.GetState() != connectivity.TransientFailure })
	if best == nil { // all are away: the call says so better than we could
		best = m.best(conversation, func(pod) bool { return true })
	}
	return best
}

func (m *Messages) best(conversation chat.ID, may func(pod) bool) (best pb.MessagesClient) {
	highest := uint64(0)
	for _, p := range m.pods {
		if !may(p) {
			continue
		}
		if h := weight(conversation, p.address); best == nil || h > highest {
			best, highest = p.client, h
		}
	}
	return best
}

// weight must be the same in every process and for all time.
func weight(conversation chat.ID, address string) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.Write(conversation[:])
	_, _ = d.WriteString(address)
	return d.Sum64()
}

// Close ends the connections.
func (m *Messages) Close() {
	for _, p := range m.pods {
		p.conn.Close()
	}
}
