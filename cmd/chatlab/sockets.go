package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/chatlab/chatlab/reports/quantity"
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/embedded"
	"github.com/chatlab/chatlab/scenarios/sockets"
	"github.com/chatlab/chatlab/system/chat"
)

type socketsCommand struct {
	Count     int           `help:"Idle sockets, shared out evenly." default:"1000"`
	Gateways  int           `help:"Gateways that hold them." default:"2"`
	Processes int           `help:"Load processes that hold the devices: a process has at most as many sockets as the system gives it descriptors." default:"2"`
	Reconnect string        `help:"How devices come back: jitter waits a random, growing time; immediate does not wait." enum:"jitter,immediate" default:"jitter"`
	Idle      time.Duration `help:"How long the sockets are watched before the fault." default:"10s"`
	Restart   time.Duration `help:"When the killed gateway comes back; 0: it stays away and the others take its devices." default:"0s"`
	Seed      uint64        `help:"Of the devices' random waits." default:"1"`
	Out       string        `help:"File for the result as JSON." placeholder:"FILE" type:"path"`
	LogLevel  slog.Level    `help:"What the pods say on stderr: debug, info, warn or error." default:"error"`
}

// Validate refuses what cannot be measured.
func (s socketsCommand) Validate() error {
	switch {
	case s.Count < 10*s.Gateways || s.Processes < 1 || s.Processes > s.Count:
		return fmt.Errorf("want at least ten sockets a gateway, and a process at least")
	case s.Gateways < 2 && s.Restart == 0:
		return fmt.Errorf("one gateway that is killed and stays away leaves nowhere to go: want --gateways 2 or --restart")
	case s.Idle <= 0 || s.Restart < 0:
		return fmt.Errorf("--idle must be above 0, and --restart not below")
	}
	return nil
}

func (s socketsCommand) Run(c *console) error {
	sw, err := chat.Profile(chat.ProfileHardened)
	if err != nil {
		return err
	}
	env := embedded.Environment{Reason: "devices in processes of their own, pods as processes, stores as stand-ins"}
	c.say(0, fmt.Sprintf("world %s: %s", env.Name(), env.Why()))
	log := slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: s.LogLevel}))
	topology := scenarios.Topology{Gateways: s.Gateways, Messages: 1, Workers: 1, Presences: 1, Partitions: 6}
	sys, err := env.Start(c.ctx, scenarios.Spec{Topology: topology, Switches: sw, Log: log, Direct: true})
	if err != nil {
		return fmt.Errorf("start system: %w", err)
	}
	res, err := sockets.Measure(c.ctx, sys, s.Gateways, sockets.Config{
		Count: s.Count, Processes: s.Processes, Reconnect: s.Reconnect, Idle: s.Idle, Restart: s.Restart, Seed: s.Seed,
		Say: func(text string) { c.say(0, text) },
	})
	if cerr := sys.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	s.print(c, res)
	return s.write(res)
}

func (s socketsCommand) write(res sockets.Result) error {
	if s.Out == "" {
		return nil
	}
	data, err := json.MarshalIndent(res, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.Out, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

func (s socketsCommand) print(c *console, res sockets.Result) {
	bytes := func(v float64) string { return quantity.Format(v, "bytes") }
	h, storm := res.Held, res.Storm
	for _, row := range [][2]string{
		{"gateway, resident, a socket", bytes(h.GatewayRSS)}, {"gateway, heap, a socket", bytes(h.GatewayHeap)},
		{"device, resident", bytes(h.DeviceRSS)}, {"device, heap", bytes(h.DeviceHeap)}, {"device, stacks", bytes(h.DeviceStacks)},
		{"device, goroutines", fmt.Sprintf("%.2f", h.DeviceRoutines)},
		{"cpu of all gateways, idle", quantity.Format(h.GatewayCPU, "cores")}, {"cpu of all devices, idle", quantity.Format(h.DeviceCPU, "cores")},
		{"sockets lost", fmt.Sprint(storm.Lost)}, {"reconnects, peak", fmt.Sprintf("%g/s", storm.PeakPerS)},
		{"99 % connected after", quantity.Format(storm.To99S, "s")}, {"all connected after", quantity.Format(storm.ToAllS, "s")},
		{"a device's wait p50, p99, max", fmt.Sprintf("%.2f s, %.2f s, %.2f s", storm.WaitS.P50, storm.WaitS.P99, storm.WaitS.Max)},
		{"attempts that failed", fmt.Sprint(storm.Failed)},
	} {
		fmt.Fprintf(c.stdout, "%-32s %s\n", row[0], row[1])
	}
	for why, n := range storm.Reasons {
		fmt.Fprintf(c.stdout, "%8d with: %s\n", n, why)
	}
	fmt.Fprintf(c.stdout, "\nback in each %g ms after the kill\n", 1000*storm.StepS)
	most := 1
	for _, n := range storm.Curve {
		most = max(most, n)
	}
	for i, n := range storm.Curve {
		fmt.Fprintf(c.stdout, "%6.2f s %6d %s\n", float64(i)*storm.StepS, n, strings.Repeat("#", 50*n/most))
	}
}
