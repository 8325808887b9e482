package client

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// heartbeat tells the gateway the device's newest places and arms the next heartbeat.
func (c *Client) heartbeat(l *link) {
	c.mu.Lock()
	defer c.unlock()
	if c.link != l {
		return
	}
	c.beat(l)
	c.putPresence(l)
	if l.interval > 0 {
		l.beat.Reset(c.untilNext(l))
	}
}

// untilNext is one interval, but after the first heartbeat a random part of it: devices that connected together, as all
// of a dead gateway do, would else beat together for ever. The lock is held.
func (c *Client) untilNext(l *link) time.Duration {
	if l.paced {
		return l.interval
	}
	l.paced = true
	return time.Duration(c.cfg.Rand.Float64() * float64(l.interval))
}

// beat sends the places, in as many frames as they need, and watches for any sign of life; the lock is held.
func (c *Client) beat(l *link) {
	ps := c.positions()
	for first := true; first || len(ps) > 0; first = false {
		n := min(len(ps), chat.MaxPositions)
		l.push(wire.Encode(wire.ClientFrame{Type: wire.TypeHeartbeat, Positions: ps[:n]}))
		ps = ps[n:]
		l.sent++
	}
	if l.watch == nil {
		heard := l.heard
		l.watch = time.AfterFunc(c.cfg.Timeouts.Heartbeat, func() { c.expectLife(l, heard) })
	}
}

func (c *Client) expectLife(l *link, heard int) {
	c.mu.Lock()
	silent := l.heard == heard
	l.watch = nil
	c.unlock()
	if silent {
		l.fail("nothing answered a heartbeat")
	}
}

// putPresence keeps the device online where gateways do not do it; the lock is held.
func (c *Client) putPresence(l *link) {
	if c.cfg.HeartbeatBy != "client" || c.run == nil {
		return
	}
	run, in := c.run, map[string]any{"device": c.cfg.Device, "gateway": l.gateway, "epoch": l.epoch}
	c.work.Go(func() {
		if _, err := c.call(run, http.MethodPut, "/api/v1/presence", in); err != nil {
			c.cfg.Log.Debug("presence not put", "error", err)
		}
	})
}

// Lacking is in how many conversations something is known to exist that the device has not shown yet.
func (c *Client) Lacking() int {
	c.mu.Lock()
	defer c.unlock()
	return c.filling
}

// Sync returns when a heartbeat's answer names nothing that the device lacks and every gap is filled.
func (c *Client) Sync(ctx context.Context) error {
	var b backoff
	for {
		lacks, err := c.askNewer(ctx)
		if err == nil {
			err = c.await(ctx, func() bool { return c.filling == 0 })
		}
		if err != nil {
			return fmt.Errorf("sync: %w", err)
		}
		if !lacks {
			return nil
		}
		c.mu.Lock()
		wait := b.next(c.cfg.Rand)
		c.unlock()
		pause(ctx, wait)
	}
}

// askNewer beats out of turn, over a new connection if the first breaks, and says whether the answer names places that
// the device lacks.
func (c *Client) askNewer(ctx context.Context) (lacks bool, err error) {
	for {
		var l *link
		var named, want int
		err := c.await(ctx, func() bool {
			if l = c.link; l == nil {
				return false
			}
			c.beat(l)
			named, want = l.named, l.sent
			return true
		})
		if err != nil {
			return false, err
		}
		answered := false
		err = c.await(ctx, func() bool {
			answered, lacks = l.answered >= want, l.named > named
			return answered || c.link != l
		})
		if err != nil || answered {
			return lacks, err
		}
	}
}
