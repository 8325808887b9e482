package sockets

import (
	"context"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/load"
	"github.com/chatlab/chatlab/system/chat"
)

// Config says how many idle sockets are held, and what is done to them.
type Config struct {
	Count, Processes int
	Reconnect        string
	Idle             time.Duration // how long they are watched before the fault
	Restart          time.Duration // after which the killed gateway comes back; 0: it stays away
	Seed             uint64
	Say              func(string) // what is under way, for people
}

// Result is what holding and losing the sockets cost.
type Result struct {
	Sockets   int     `json:"sockets"`
	Gateways  int     `json:"gateways"`
	Processes int     `json:"processes"`
	Reconnect string  `json:"reconnect"`
	ConnectS  float64 `json:"connect_s"` // until all were connected
	Held      Held    `json:"held"`
	Storm     Storm   `json:"storm"`
}

// Held is what an idle socket costs. Resident memory holds garbage that is not collected yet; heaps of devices are
// measured after a collection.
type Held struct {
	GatewayRSS     float64 `json:"gateway_rss_bytes_per_socket"`
	GatewayHeap    float64 `json:"gateway_heap_bytes_per_socket"`
	DeviceRSS      float64 `json:"device_rss_bytes_per_socket"`
	DeviceHeap     float64 `json:"device_heap_bytes_per_socket"`
	DeviceStacks   float64 `json:"device_stack_bytes_per_socket"`
	DeviceRoutines float64 `json:"device_goroutines_per_socket"`
	GatewayCPU     float64 `json:"gateway_cpu_cores"` // of all gateways, while idle
	DeviceCPU      float64 `json:"device_cpu_cores"`  // of all load processes, while idle
	IdleS          float64 `json:"idle_s"`
}

// edgeKnows is how long the edge takes to know every gateway: it looks once a second, and shares sockets out among those
// that it knows.
const edgeKnows = 1500 * time.Millisecond

// connectAtOnce is how many devices of a process connect together at first.
const connectAtOnce = 64

// Measure connects idle devices, measures what they cost, kills a gateway and watches how they come back.
func Measure(ctx context.Context, sys scenarios.System, gateways int, cfg Config) (res Result, err error) {
	res = Result{Sockets: cfg.Count, Gateways: gateways, Processes: cfg.Processes, Reconnect: cfg.Reconnect}
	c, err := startCrowd(sys, cfg)
	defer func() {
		if cerr := c.close(); err == nil {
			err = cerr
		}
	}()
	if err != nil {
		return res, err
	}
	if !sleep(ctx, edgeKnows) {
		return res, context.Cause(ctx)
	}
	empty := c.weigh(ctx)
	cfg.Say(fmt.Sprintf("connect %d sockets to %d gateways from %d processes", cfg.Count, gateways, cfg.Processes))
	begun := time.Now()
	if err := c.connect(ctx, cfg.Count); err != nil {
		return res, err
	}
	res.ConnectS = time.Since(begun).Seconds()
	cfg.Say(fmt.Sprintf("all are connected after %.1f s; watch them idle for %s", res.ConnectS, cfg.Idle))
	if res.Held, err = c.hold(ctx, empty, cfg); err != nil {
		return res, err
	}
	cfg.Say("kill gateway-1")
	res.Storm, err = c.storm(ctx, gateways, cfg)
	return res, err
}

// hold watches the idle sockets for a while and says what each costs.
func (c *crowd) hold(ctx context.Context, empty weight, cfg Config) (h Held, err error) {
	if err := c.collect(ctx); err != nil {
		return h, err
	}
	before := c.weigh(ctx)
	if !sleep(ctx, cfg.Idle) {
		return h, context.Cause(ctx)
	}
	after, n, seconds := c.weigh(ctx), float64(cfg.Count), cfg.Idle.Seconds()
	return Held{
		GatewayRSS: (after.gatewayRSS - empty.gatewayRSS) / n, GatewayHeap: (after.gatewayHeap - empty.gatewayHeap) / n,
		DeviceRSS: (before.deviceRSS - empty.deviceRSS) / n, DeviceHeap: (before.deviceHeap - empty.deviceHeap) / n,
		DeviceStacks: (before.deviceStacks - empty.deviceStacks) / n, DeviceRoutines: (before.routines - empty.routines) / n,
		GatewayCPU: (after.gatewayCPU - before.gatewayCPU) / seconds, DeviceCPU: (after.deviceCPU - before.deviceCPU) / seconds,
		IdleS: seconds,
	}, nil
}

// logins makes users of the system for a process.
func logins(sys scenarios.System, n int) ([]load.Login, error) {
	out := make([]load.Login, n)
	for i := range out {
		user := chat.NewID()
		token, err := sys.Token(user)
		if err != nil {
			return nil, fmt.Errorf("make token: %w", err)
		}
		out[i] = load.Login{User: user, Token: token}
	}
	return out, nil
}

// sleep returns false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
