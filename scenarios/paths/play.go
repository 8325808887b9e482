package paths

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// Outcome is what the properties say of a cell.
type Outcome struct {
	Cell       Cell
	Properties []scenarios.Judged
	Took       time.Duration
}

// Play runs a cell and judges its history, which it keeps in file.
func Play(ctx context.Context, env scenarios.Environment, c Cell, file string, log *slog.Logger) (Outcome, error) {
	start := time.Now()
	sc, v := scenario(), c.variant()
	out, err := os.Create(file)
	if err != nil {
		return Outcome{}, fmt.Errorf("create history: %w", err)
	}
	defer out.Close()
	if err := scenarios.Run(ctx, env, sc, v, scenarios.Options{Seed: 1, Size: scenarios.Small, Log: log}, out); err != nil {
		return Outcome{}, fmt.Errorf("play %s: %w", c.Name(), err)
	}
	res, err := scenarios.Judge(sc, v, scenarios.Small, file)
	if err != nil {
		return Outcome{}, fmt.Errorf("judge %s: %w", c.Name(), err)
	}
	return Outcome{c, res.Properties, time.Since(start)}, nil
}

// scenario has two of everything that a write path meets, so that pods can disagree.
func scenario() scenarios.Scenario {
	return scenarios.Scenario{
		Name:     "paths",
		Question: "Which promises does each write path keep, and under which fault does it break the others?",
		Topology: scenarios.Topology{Gateways: 2, Messages: 2, Workers: 2, Presences: 1, Partitions: 6},
		Play: func(scenarios.Size) scenarios.Play {
			p := scenarios.Play{Steady: 2 * time.Second, Fault: 2 * time.Second, Recovery: 2 * time.Second, Settle: 8 * time.Second}
			p.Plan = plan(p.Steady + p.Fault + p.Recovery)
			return p
		},
	}
}

// plan: groups and pairs whose conversations fall to both message pods, each below the group limit.
func plan(length time.Duration) workload.Plan {
	p := workload.Plan{Users: 40, Length: length}
	add := func(name, kind string, first, end int) {
		p.Conversations = append(p.Conversations, workload.Conversation{Name: name, Kind: kind, Members: workload.Range(first, end)})
		p.Streams = append(p.Streams, workload.Stream{Conversation: name, PerSecond: 8, To: length, Bytes: 100})
	}
	for i := range 4 {
		add(fmt.Sprintf("group %d", i+1), chat.Group, 6*i, 6*i+6)
	}
	for i := range 8 {
		add(fmt.Sprintf("pair %d", i+1), chat.Direct, 24+2*i, 26+2*i)
	}
	return p
}
