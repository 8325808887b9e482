package scenarios

import (
	"context"
	"log/slog"
	"time"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/transport"
)

// Environment is a world in which the system can be started.
type Environment interface {
	Name() string
	Why() string // it was chosen
	Start(context.Context, Spec) (System, error)
}

// Spec says what to start.
type Spec struct {
	Topology Topology
	Switches chat.Switches
	Log      *slog.Logger
	// PresenceTTL and Heartbeat are the document's unless a small run shortens them.
	PresenceTTL, Heartbeat time.Duration
	// Direct lets devices dial edge and gateways without a relay between: no fault acts on their links, and the lab needs
	// neither cores nor descriptors for them.
	Direct bool
	// Notified, if set, hears of every notification that a push provider took: the token that the device registered, and
	// the conversation.
	Notified func(token, conversation string)
}

// System is a running chat system as the lab sees it: what devices see, what faults act on, and what the stores hold.
type System interface {
	chaos.World
	EdgeURL() string
	Network() transport.Network // of devices
	Token(user chat.ID) (string, error)
	PartitionOf(conv chat.ID) int
	// Lag is how many records the fan-out group has not committed, by partition.
	Lag(context.Context) (map[int]int64, error)
	// Usage is what each process has used since it began.
	Usage() []Usage
	// WritePast stores messages of a conversation as the system would have left them at the time at which they were made:
	// in their places, without a log that remembers them. They are in order, and later than all that was stored before.
	WritePast(ctx context.Context, conv chat.ID, members []chat.ID, ms []chat.Message) error
	// Totals adds up a counter over all pods of a role, by the value of a label.
	Totals(ctx context.Context, role, metric, label string) (map[string]float64, error)
	// Scrape reads a gauge of every pod of a role and returns the largest.
	Scrape(ctx context.Context, role, metric string) (float64, error)
	// RoundTrip is what an awaited call between two pods costs on their link as it is now.
	RoundTrip(ctx context.Context, from, to string) (time.Duration, error)
	// Stored lists a conversation's rows in storage order, read from the store itself.
	Stored(ctx context.Context, conv chat.ID, each func(chat.Message)) error
	// EachReplica reads from every node that holds rows, one after the other, while the other nodes stand still.
	EachReplica(ctx context.Context, read func(node string, stored Rows) error) error
	// Repair makes the replicas of these conversations' rows equal.
	Repair(ctx context.Context, convs ...chat.ID) error
	Close() error
}

// Rows lists a conversation's rows in storage order.
type Rows func(ctx context.Context, conv chat.ID, each func(chat.Message)) error

// Usage is one process's consumption.
type Usage struct {
	Process    string // gateway-1; lab: this process, with clients and stand-ins
	CPUSeconds float64
	RSSBytes   uint64
}
