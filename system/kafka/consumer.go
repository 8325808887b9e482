package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/chatlab/chatlab/system/resilience"
)

// Group consumes a topic as one member of a consumer group.
//
// The driver's Reader with a GroupID feeds all partitions through one channel, so that one slow partition delays the
// others by seconds. A Group runs one reader and one handler a partition instead.
type Group struct {
	Client *Client
	ID     string
	Topic  string
	// Handle works on one partition until its context ends. An error ends the generation: the group rebalances and
	// the partition is handled again, by whoever gets it, from the committed offset.
	Handle func(context.Context, *Partition) error
	// Session is how long a silent member keeps its partitions; a dead worker costs as much.
	Session time.Duration
	// Observe sees the lag of the partitions held, every two paces of the client. May be nil.
	Observe func(partition int, lag int64)
	// Oldest sees the time of the oldest record that a handler works on, as often; zero: it waits for one. May be nil.
	Oldest func(partition int, at time.Time)
	// Held is told how many partitions this member works on, with each generation. May be nil.
	Held func(partitions int)
}

// Run consumes until ctx ends.
func (g *Group) Run(ctx context.Context) error {
	log := g.Client.cfg.Log
	cg, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: g.ID, Brokers: g.Client.cfg.Brokers, Dialer: g.Client.dialer(), Topics: []string{g.Topic},
		HeartbeatInterval: g.Session / 6, SessionTimeout: g.Session, RebalanceTimeout: g.Session,
		JoinGroupBackoff: 500 * time.Millisecond, StartOffset: kafka.FirstOffset, Timeout: resilience.LogAsk.Timeout(),
	})
	if err != nil {
		return fmt.Errorf("join group %s: %w", g.ID, err)
	}
	defer cg.Close()
	for {
		gen, err := cg.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil { // the driver joins again by itself
			log.Warn("join consumer group", "group", g.ID, "error", err)
			continue
		}
		g.generation(gen)
	}
}

func (g *Group) generation(gen *kafka.Generation) {
	held := gen.Assignments[g.Topic]
	g.Client.cfg.Log.Info("consumer group generation", "group", g.ID, "generation", gen.ID, "partitions", len(held))
	commits := &commits{gen: gen, topic: g.Topic, dirty: make(chan struct{}, 1), offsets: map[int]int64{}, log: g.Client.cfg.Log}
	parts := make([]*Partition, len(held))
	for i, a := range held {
		p := newPartition(g.Client, g.Topic, a.ID, max(a.Offset, 0), commits)
		parts[i] = p
		gen.Start(p.pump)
		gen.Start(func(ctx context.Context) {
			if err := g.Handle(ctx, p); err != nil && ctx.Err() == nil {
				g.Client.cfg.Log.Error("handle partition", "topic", g.Topic, "partition", p.ID, "error", err)
			}
		})
	}
	if g.Held != nil {
		g.Held(len(held))
		gen.Start(func(ctx context.Context) { <-ctx.Done(); g.Held(0) })
	}
	gen.Start(commits.run)
	gen.Start(func(ctx context.Context) { g.watch(ctx, parts) })
}

// watch measures lag, and rebuilds a reader that makes no progress although there are records: readers have been seen
// to stall after a broker's restart.
func (g *Group) watch(ctx context.Context, parts []*Partition) {
	tick := time.NewTicker(2 * g.Client.cfg.Pace)
	defer tick.Stop()
	ids := make([]int, len(parts))
	for i, p := range parts {
		ids[i] = p.ID
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if len(ids) == 0 {
			continue
		}
		ends, err := g.Client.EndOffsets(ctx, g.Topic, ids)
		if err != nil {
			continue
		}
		for _, p := range parts {
			lag := p.judge(ends[p.ID])
			if g.Observe != nil {
				g.Observe(p.ID, lag)
			}
			if g.Oldest != nil {
				g.Oldest(p.ID, p.Oldest())
			}
		}
	}
}

// commits coalesces the offsets to commit: commits are cumulative, the newest of a partition says all.
type commits struct {
	gen     *kafka.Generation
	topic   string
	dirty   chan struct{}
	mu      sync.Mutex
	offsets map[int]int64
	log     *slog.Logger
}

func (c *commits) set(partition int, next int64) {
	c.mu.Lock()
	c.offsets[partition] = max(next, c.offsets[partition])
	c.mu.Unlock()
	select {
	case c.dirty <- struct{}{}:
	default:
	}
}

// run commits at most every 100 ms, and once more when the generation ends.
func (c *commits) run(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			c.flush()
			return
		case <-pause.C:
		}
		select {
		case <-ctx.Done():
			c.flush()
			return
		case <-c.dirty:
			c.flush()
			pause.Reset(100 * time.Millisecond)
		}
	}
}

func (c *commits) flush() {
	c.mu.Lock()
	offsets := c.offsets
	c.offsets = map[int]int64{}
	c.mu.Unlock()
	if len(offsets) == 0 {
		return
	}
	if err := c.gen.CommitOffsets(map[string]map[int]int64{c.topic: offsets}); err != nil {
		c.log.Warn("commit offsets", "error", err)
		c.mu.Lock()
		for p, o := range offsets {
			c.offsets[p] = max(o, c.offsets[p])
		}
		c.mu.Unlock()
	}
}
