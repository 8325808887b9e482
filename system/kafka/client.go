package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

// Config says where the log is.
type Config struct {
	Brokers  []string // names or addresses, looked up in Network.Names
	ClientID string
	Network  transport.Network
	Log      *slog.Logger
	// Pace is how often an idle client asks for leaders, for records that have not come and for lag; 1 s when 0.
	Pace time.Duration
}

// Client shares connections to the brokers between producers and consumers.
type Client struct {
	cfg       Config
	transport *kafka.Transport
	admin     *kafka.Client
}

// NewClient makes a client; it dials when it is first used.
func NewClient(cfg Config) *Client {
	if cfg.Pace == 0 {
		cfg.Pace = time.Second
	}
	t := &kafka.Transport{
		Dial:        cfg.Network.Dial,
		ClientID:    cfg.ClientID,
		DialTimeout: resilience.LogRead.Timeout(),
		IdleTimeout: 30 * time.Second,
		MetadataTTL: cfg.Pace, // a moved leader is found within it
	}
	return &Client{cfg: cfg, transport: t, admin: &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: t, Timeout: resilience.LogAsk.Timeout()}}
}

// Close ends idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

func (c *Client) dialer() *kafka.Dialer {
	return &kafka.Dialer{ClientID: c.cfg.ClientID, Timeout: resilience.LogRead.Timeout(), DialFunc: c.cfg.Network.Dial}
}

// dialerUntil makes connections that end with ctx: the driver's reader would wait for the answer to its last fetch, and
// a rebalance for the reader.
func (c *Client) dialerUntil(ctx context.Context) *kafka.Dialer {
	d := c.dialer()
	d.DialFunc = func(dial context.Context, network, address string) (net.Conn, error) {
		conn, err := c.cfg.Network.Dial(dial, network, address)
		if err != nil {
			return nil, err
		}
		return leased{conn, context.AfterFunc(ctx, func() { conn.Close() })}, nil
	}
	return d
}

// leased is a connection that somebody else may close.
type leased struct {
	net.Conn
	giveUp func() bool // the lease
}

func (l leased) Close() error {
	l.giveUp()
	return l.Conn.Close()
}

// EndOffsets returns, for each partition asked for, the offset that its next record will have.
func (c *Client) EndOffsets(ctx context.Context, topic string, partitions []int) (map[int]int64, error) {
	ask := make([]kafka.OffsetRequest, len(partitions))
	for i, p := range partitions {
		ask[i] = kafka.LastOffsetOf(p)
	}
	res, err := c.admin.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ask}})
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", topic, err)
	}
	ends := make(map[int]int64, len(partitions))
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("list offset of %s/%d: %w", topic, p.Partition, p.Error)
		}
		ends[p.Partition] = p.LastOffset
	}
	return ends, nil
}

// Committed returns up to which offset a group is done with each partition asked for; 0 where it has committed nothing.
func (c *Client) Committed(ctx context.Context, group, topic string, partitions []int) (map[int]int64, error) {
	res, err := c.admin.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: partitions}})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return nil, fmt.Errorf("fetch offsets of group %s: %w", group, err)
	}
	next := make(map[int]int64, len(partitions))
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("fetch offset of group %s in %s/%d: %w", group, topic, p.Partition, p.Error)
		}
		next[p.Partition] = max(p.CommittedOffset, 0)
	}
	return next, nil
}

// Lag returns how many records of each partition a group has not yet committed.
func (c *Client) Lag(ctx context.Context, group, topic string, partitions []int) (map[int]int64, error) {
	ends, err := c.EndOffsets(ctx, topic, partitions)
	if err != nil {
		return nil, err
	}
	done, err := c.Committed(ctx, group, topic, partitions)
	if err != nil {
		return nil, err
	}
	lag := make(map[int]int64, len(partitions))
	for p, next := range done {
		lag[p] = ends[p] - next
	}
	return lag, nil
}

// PartitionOf says which partition a key's records go to, so that an experiment can choose neighbours.
func PartitionOf(key []byte, partitions int) int {
	all := make([]int, partitions)
	for i := range all {
		all[i] = i
	}
	return (&kafka.Hash{}).Balance(kafka.Message{Key: key}, all...)
}
