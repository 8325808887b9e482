package sockets

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/load"
)

// patience is how long nothing may get better before the crowd gives up.
const patience = 2 * time.Minute

// crowd is the devices of all load processes.
type crowd struct {
	sys       scenarios.System
	processes []*load.Process

	mu    sync.Mutex
	trail []moment
}

// moment is one report of one process.
type moment struct {
	process int
	load.Report
}

func startCrowd(sys scenarios.System, cfg Config) (*crowd, error) {
	c := &crowd{sys: sys}
	for i := range cfg.Processes {
		p, err := load.Start(load.Setup{
			EdgeURL: sys.EdgeURL(), Names: sys.Network().Names, Reconnect: cfg.Reconnect, HeartbeatBy: "gateway",
			AtOnce: connectAtOnce, Seed: cfg.Seed + uint64(i),
		}, func(r load.Report) { c.note(i, r) })
		if err != nil {
			return c, err
		}
		c.processes = append(c.processes, p)
	}
	for _, p := range c.processes { // each has told what it weighs without devices
		_, changed := p.Last()
		<-changed
	}
	return c, nil
}

func (c *crowd) note(process int, r load.Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trail = append(c.trail, moment{process, r})
}

func (c *crowd) close() error {
	var failed []error
	for _, p := range c.processes {
		failed = append(failed, p.Close())
	}
	return errors.Join(failed...)
}

// connect shares devices out among the processes and waits until all are connected.
func (c *crowd) connect(ctx context.Context, n int) error {
	for i, p := range c.processes {
		share := n*(i+1)/len(c.processes) - n*i/len(c.processes)
		ls, err := logins(c.sys, share)
		if err != nil {
			return err
		}
		if err := p.Connect(ls); err != nil {
			return err
		}
	}
	return c.until(ctx, "connect all", func(all load.Report) bool { return all.Connected == n })
}

// collect has every process collect its garbage, and waits for the reports from after it.
func (c *crowd) collect(ctx context.Context) error {
	for _, p := range c.processes {
		if err := p.Collect(); err != nil {
			return err
		}
	}
	return c.until(ctx, "collect garbage", func(all load.Report) bool { return all.Collected >= len(c.processes) })
}

// all adds up the newest reports.
func (c *crowd) all() (sum load.Report, changed <-chan struct{}) {
	sum.Trouble = load.Reasons{}
	for _, p := range c.processes {
		r, next := p.Last()
		sum.Connected += r.Connected
		sum.Lost += r.Lost
		sum.Back += r.Back
		sum.Failed += r.Failed
		sum.Collected += r.Collected
		sum.HeapBytes += r.HeapBytes
		sum.Stacks += r.Stacks
		sum.Goroutines += r.Goroutines
		for why, n := range r.Trouble {
			sum.Trouble.Add(why, n)
		}
		changed = next
	}
	return sum, changed
}

// until waits for a state of all devices.
func (c *crowd) until(ctx context.Context, what string, is func(load.Report) bool) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		all, changed := c.all()
		if is(all) {
			return nil
		}
		select {
		case <-changed:
		case <-c.processes[len(c.processes)-1].Exited():
			return fmt.Errorf("%s: a load process has ended", what)
		case <-late.C:
			return fmt.Errorf("%s: not within %s: %d are connected, %d attempts failed, by reason: %v", what, patience, all.Connected, all.Failed, all.Trouble)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// weight is what all gateways and all load processes hold and have used.
type weight struct {
	gatewayRSS, gatewayHeap, gatewayCPU float64
	deviceRSS, deviceCPU                float64
	deviceHeap, deviceStacks, routines  float64
}

func (c *crowd) weigh(ctx context.Context) (w weight) {
	gateways := 0.0
	for _, u := range c.sys.Usage() {
		if strings.HasPrefix(u.Process, "gateway-") {
			gateways++
			w.gatewayRSS += float64(u.RSSBytes)
			w.gatewayCPU += u.CPUSeconds
		}
	}
	if heap, err := c.sys.Scrape(ctx, "gateway", "go_memstats_heap_alloc_bytes"); err == nil {
		w.gatewayHeap = heap * gateways // that of the largest stands for each: the edge shares sockets out evenly
	}
	for _, p := range c.processes {
		cpu, rss := p.Usage()
		w.deviceRSS += float64(rss)
		w.deviceCPU += cpu
	}
	all, _ := c.all()
	w.deviceHeap, w.deviceStacks, w.routines = float64(all.HeapBytes), float64(all.Stacks), float64(all.Goroutines)
	return w
}
