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
	// Observe sees what is known of the partitions held, every two paces of the client. May be nil.
	Observe func(Seen)
	// Before is a group that works on the records first, whose lag is seen too. May be empty.
	Before string

	membership membership
}

// Seen is what a member knows of the partitions that it holds. Of those for which the log does not answer no lag is known.
type Seen struct {
	Held   int
	Lag    map[int]int64   // records that the group has not committed
	Before map[int]int64   // records that the group before has not committed
	Oldest map[int]float64 // time of the oldest record that a handler works on, seconds since 1970; 0: it waits for one
}

// Run consumes until ctx ends.
func (g *Group) Run(ctx context.Context) error {
	log := g.Client.cfg.Log
	// When the group's coordinator dies the members come to the next one under new names, and it waits for those of the old names
	// for as long as a rebalance may take: half a session, which is enough to stop work that is under way.
	cg, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: g.ID, Brokers: g.Client.cfg.Brokers, Dialer: g.Client.dialer(g.Client.silent.dialMember), Topics: []string{g.Topic},
		HeartbeatInterval: g.Session / 6, SessionTimeout: g.Session, RebalanceTimeout: g.Session / 2,
		JoinGroupBackoff: resilience.LogConnect.Policy().Backoff.Max, StartOffset: kafka.FirstOffset, Timeout: resilience.LogAsk.Timeout(),
	})
	if err != nil {
		return fmt.Errorf("join group %s: %w", g.ID, err)
	}
	defer cg.Close()
	defer g.membership.leave()
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
	g.membership.join()
	g.observe(Seen{Held: len(held)})
	gen.Start(func(ctx context.Context) {
		<-ctx.Done()
		g.membership.leave()
	})
	gen.Start(commits.run)
	gen.Start(func(ctx context.Context) { g.watch(ctx, parts) })
}

// Ready says why this member works on nothing. The moments between two generations, which a new member costs all
// others, are no reason.
func (g *Group) Ready(context.Context) error {
	if away := g.membership.away(); away > 2*g.Session {
		return fmt.Errorf("not a member of consumer group %s", g.ID)
	}
	return nil
}

func (g *Group) observe(s Seen) {
	if g.Observe != nil {
		g.Observe(s)
	}
}

// watch tells what is known of the partitions held, and rebuilds readers that stall.
func (g *Group) watch(ctx context.Context, parts []*Partition) {
	defer g.observe(Seen{}) // what others hold by now is theirs to tell
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
		if len(ids) > 0 {
			g.look(ctx, parts, ids)
		}
	}
}

func (g *Group) look(ctx context.Context, parts []*Partition, ids []int) {
	ends, _ := g.Client.EndOffsets(ctx, g.Topic, ids)
	seen := Seen{Held: len(ids), Oldest: map[int]float64{}}
	seen.Lag, _ = g.Client.behind(ctx, g.ID, g.Topic, ends) // what the log does not tell is not known
	if g.Before != "" {
		seen.Before, _ = g.Client.behind(ctx, g.Before, g.Topic, ends)
	}
	for _, p := range parts {
		seen.Oldest[p.ID] = float64(p.oldest.Load()) / 1e9
		if end, known := ends[p.ID]; known {
			p.judge(end)
		}
	}
	if ctx.Err() == nil {
		g.observe(seen)
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
