package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
	Pace    time.Duration
	Metrics prometheus.Registerer // nil: nothing is counted
	// LeaderAcks has a record count as written when its leader has it, whatever becomes of the leader.
	LeaderAcks bool
	// DriverDefaults has producers wait, try again and look for leaders as the driver would.
	DriverDefaults bool
}

// Client shares connections to the brokers between producers and consumers.
type Client struct {
	cfg       Config
	transport *kafka.Transport
	admin     *kafka.Client
	silent    *silence
	rebuilds  *prometheus.CounterVec
}

// NewClient makes a client; it dials when it is first used.
func NewClient(cfg Config) *Client {
	if cfg.Pace == 0 {
		cfg.Pace = time.Second
	}
	t := &kafka.Transport{
		Dial:        cfg.Network.Dial,
		ClientID:    cfg.ClientID,
		DialTimeout: resilience.LogConnect.Timeout(),
		IdleTimeout: 30 * time.Second,
		MetadataTTL: cfg.Pace, // a moved leader is found within it
	}
	if cfg.DriverDefaults {
		t.DialTimeout, t.MetadataTTL = 0, 0
	}
	return &Client{
		cfg: cfg, transport: t, admin: &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: t, Timeout: resilience.LogAsk.Timeout()},
		silent: newSilence(cfg.Network, resilience.NewMeter(cfg.Metrics)), rebuilds: newRebuilds(cfg.Metrics),
	}
}

// Close ends idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// dialer makes connections for a reader or a member of a group: silent brokers are left alone.
func (c *Client) dialer(dial func(ctx context.Context, network, address string) (net.Conn, error)) *kafka.Dialer {
	return &kafka.Dialer{ClientID: c.cfg.ClientID, Timeout: resilience.LogConnect.Timeout(), DialFunc: dial}
}

// EndOffsets returns, for each partition asked for, the offset that its next record will have. Partitions whose leader
// does not answer are missing, and the error says why.
func (c *Client) EndOffsets(ctx context.Context, topic string, partitions []int) (map[int]int64, error) {
	var (
		mu   sync.Mutex
		ends = make(map[int]int64, len(partitions))
		errs error
		all  sync.WaitGroup
	)
	for _, p := range partitions { // each by itself: the driver would let one silent leader use up the time of all
		all.Go(func() {
			end, err := c.endOffset(ctx, topic, p)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = fmt.Errorf("list offset of %s/%d: %w", topic, p, err)
				return
			}
			ends[p] = end
		})
	}
	all.Wait()
	return ends, errs
}

func (c *Client) endOffset(ctx context.Context, topic string, partition int) (int64, error) {
	res, err := c.admin.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: {kafka.LastOffsetOf(partition)}}})
	if err != nil {
		return 0, err
	}
	for _, p := range res.Topics[topic] {
		return p.LastOffset, p.Error
	}
	return 0, errors.New("the log left it out of its answer")
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
	return c.behind(ctx, group, topic, ends)
}

// behind is how many records before these ends a group has not committed.
func (c *Client) behind(ctx context.Context, group, topic string, ends map[int]int64) (map[int]int64, error) {
	if len(ends) == 0 {
		return nil, nil
	}
	done, err := c.Committed(ctx, group, topic, slices.Collect(maps.Keys(ends)))
	if err != nil {
		return nil, err
	}
	lag := make(map[int]int64, len(done))
	for p, next := range done {
		lag[p] = max(ends[p]-next, 0)
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
