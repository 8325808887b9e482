package kafka

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/chaos/port"
)

// broker is one named node. Between its death and the election the cluster still counts on it: its partitions have a leader
// that nobody reaches, as in Kafka until the controller misses the broker's heartbeats.
type broker struct {
	name   string
	node   int32
	port   *port.Port
	alive  bool
	frozen bool // while it lives
	member bool // the cluster has not (yet) noticed a death
	inFake bool // the fake lists it
	timer  *time.Timer
}

func (b *broker) stopTimer() {
	if b.timer != nil {
		b.timer.Stop()
	}
}

// Kill ends a broker as SIGKILL does: its listener and every connection are closed at once; after the election delay its
// leaderships move to living brokers. What was acknowledged stays, for the log is the cluster's.
func (c *Cluster) Kill(name string) error {
	return c.with(name, func(b *broker) error {
		if !b.alive {
			return nil
		}
		b.alive, b.frozen = false, false
		b.port.Down()
		b.missed(c)
		return nil
	})
}

// Stop ends a broker as SIGTERM does: its leaderships move first, so that nobody waits for an election.
func (c *Cluster) Stop(name string) error {
	return c.with(name, func(b *broker) error {
		if !b.alive {
			return nil
		}
		b.stopTimer()
		b.alive, b.frozen, b.member = false, false, false
		err := c.elect()
		b.port.Down()
		return err
	})
}

// Freeze stops a broker as SIGSTOP does: it accepts and never answers, and the cluster misses it after the election delay.
func (c *Cluster) Freeze(name string) error {
	return c.with(name, func(b *broker) error {
		if b.alive && !b.frozen {
			b.frozen = true
			b.port.Freeze()
			b.missed(c)
		}
		return nil
	})
}

// Thaw lets a frozen broker go on: it answers what it was asked meanwhile. One whose leaderships have moved joins anew, without
// the connections that it had.
func (c *Cluster) Thaw(name string) error {
	return c.with(name, func(b *broker) error {
		if !b.frozen {
			return nil
		}
		if !b.inFake {
			b.port.Down()
			if err := b.port.Up(); err != nil {
				return fmt.Errorf("thaw broker %s: %w", name, err)
			}
		}
		b.stopTimer()
		b.port.Thaw()
		b.frozen, b.member = false, b.inFake
		return c.elect()
	})
}

// missed begins the time in which a broker may come back unnoticed.
func (b *broker) missed(c *Cluster) {
	b.stopTimer()
	b.timer = time.AfterFunc(c.delay, func() { c.expire(b) })
}

// Restart brings a broker back at the same address. If that happens before the election it keeps its leaderships, else it leads
// nothing until others die, as in Kafka until the next preferred-leader election (5 minutes).
func (c *Cluster) Restart(name string) error {
	return c.with(name, func(b *broker) error {
		if b.alive {
			return nil
		}
		if err := b.port.Up(); err != nil {
			return fmt.Errorf("restart broker %s: %w", name, err)
		}
		b.stopTimer()
		b.alive, b.member = true, b.inFake
		return c.elect()
	})
}

func (c *Cluster) with(name string, do func(*broker) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errClosed
	}
	for _, b := range c.brokers {
		if b.name == name {
			return do(b)
		}
	}
	return fmt.Errorf("find broker: no broker %q", name)
}

// expire ends the time in which a broker may come back unnoticed.
func (c *Cluster) expire(b *broker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || b.alive && !b.frozen {
		return
	}
	b.member = false
	_ = c.elect() // fails only for unknown nodes and topics
}

// elect makes the fake's members agree with ours and gives each partition whose leader is gone a living one. While nobody
// lives nothing moves. The fake shuffles all leaders whenever a node comes or goes: those that need not move are moved back.
func (c *Cluster) elect() error {
	var living []*broker
	for _, b := range c.brokers {
		if b.alive && !b.frozen {
			living = append(living, b)
		}
	}
	if len(living) == 0 {
		return nil
	}
	before := c.leaders()
	if err := c.join(); err != nil {
		return err
	}
	return c.lead(func(p place) *broker {
		if leader := before[p]; leader.member {
			return leader
		}
		return living[p.partition%len(living)]
	})
}

// join adds living brokers that the fake lacks, and then removes those that are gone.
func (c *Cluster) join() error {
	for _, b := range c.brokers {
		if !b.alive || b.frozen || b.inFake {
			continue
		}
		c.joining = []*broker{b}
		if _, _, err := c.fake.AddNode(b.node, 0); err != nil {
			return fmt.Errorf("add broker %s: %w", b.name, err)
		}
	}
	for _, b := range c.brokers {
		if b.member || !b.inFake {
			continue
		}
		if err := c.fake.RemoveNode(b.node); err != nil {
			return fmt.Errorf("remove broker %s: %w", b.name, err)
		}
		b.inFake = false
	}
	return nil
}

// place is one partition of one topic.
type place struct {
	topic     string
	partition int
}

// leaders is who leads what.
func (c *Cluster) leaders() map[place]*broker {
	all := map[place]*broker{}
	for _, topic := range c.topics.list() {
		for _, info := range c.fake.PartitionInfos(topic) {
			all[place{topic, int(info.Partition)}] = c.brokers[info.Leader]
		}
	}
	return all
}

// lead moves every partition to the broker chosen for it, unless that leads it already.
func (c *Cluster) lead(choose func(place) *broker) error {
	for p, now := range c.leaders() {
		leader := choose(p)
		if leader == now {
			continue
		}
		if err := c.fake.MoveTopicPartition(p.topic, int32(p.partition), leader.node); err != nil {
			return fmt.Errorf("move %s/%d to %s: %w", p.topic, p.partition, leader.name, err)
		}
	}
	return nil
}
