package mutants

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/property"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// Outcome is what the properties say of a mutant.
type Outcome struct {
	Mutant     Mutant
	Properties []scenarios.Judged
	Took       time.Duration
}

// status is what became of a property.
func (o Outcome) status(name string) property.Status {
	for _, p := range o.Properties {
		if p.Name == name {
			return p.Verdict.Status
		}
	}
	return property.Unknown
}

// broken lists the properties that the mutant breaks.
func (o Outcome) broken() (names []string) {
	for _, p := range o.Properties {
		if p.Verdict.Status == property.Broken {
			names = append(names, p.Name)
		}
	}
	return names
}

// Play runs the system with a mutant under load for so long and judges its history, which it keeps in file.
func Play(ctx context.Context, env scenarios.Environment, m Mutant, load time.Duration, file string, log *slog.Logger) (Outcome, error) {
	start := time.Now()
	sc, v := m.scenario(load), m.variant()
	out, err := os.Create(file)
	if err != nil {
		return Outcome{}, fmt.Errorf("create history: %w", err)
	}
	defer out.Close()
	if err := scenarios.Run(ctx, env, sc, v, scenarios.Options{Seed: 1, Size: scenarios.Small, Log: log}, out); err != nil {
		return Outcome{}, fmt.Errorf("play mutant %s: %w", m.Name, err)
	}
	res, err := scenarios.Judge(sc, v, scenarios.Small, file)
	if err != nil {
		return Outcome{}, fmt.Errorf("judge mutant %s: %w", m.Name, err)
	}
	return Outcome{m, res.Properties, time.Since(start)}, nil
}

// scenario is the play that shows the mutant, and load how long the common one lasts.
func (m Mutant) scenario(load time.Duration) scenarios.Scenario {
	switch {
	case m.Comings:
		return comings()
	case m.Crowds:
		return crowds()
	}
	return scenario(load)
}

// scenario is small, and has what the properties need: senders that write again soon after an acknowledgement, and
// conversations across both gateways.
func scenario(load time.Duration) scenarios.Scenario {
	return scenarios.Scenario{
		Name:     "mutants",
		Question: "Does the lab notice a defect of the system?",
		Topology: scenarios.Topology{Gateways: 2, Messages: 2, Workers: 2, Presences: 1, Partitions: 6},
		Play: func(scenarios.Size) scenarios.Play {
			return scenarios.Play{Plan: plan(load), Steady: load - time.Second, Fault: time.Second / 2, Recovery: time.Second / 2, Settle: 6 * time.Second, Replicas: true}
		},
	}
}

// plan: two groups of eight, one of which has guests for a while and the other a listener who goes away and comes back,
// and four pairs who talk quickly. All stay below the group limit.
func plan(load time.Duration) workload.Plan {
	p := workload.Plan{Users: 25, Length: load}
	add := func(name, kind string, first, end int, perSecond float64) {
		p.Conversations = append(p.Conversations, workload.Conversation{Name: name, Kind: kind, Members: workload.Range(first, end)})
		p.Streams = append(p.Streams, workload.Stream{Conversation: name, PerSecond: perSecond, To: load, Bytes: 100})
	}
	for i := range 2 {
		add(fmt.Sprintf("group %d", i+1), chat.Group, 8*i, 8*i+8, 6)
	}
	guest := workload.Change{Conversation: "group 1", By: 0, At: load / 4, Add: []int{16, 17}}
	gone := workload.Change{Conversation: "group 1", By: 1, At: load / 2, Remove: []int{17}}
	p.Changes = []workload.Change{guest, gone}
	p.Conversations[1].Members, p.Streams[1].Senders = append(workload.Range(8, 16), 24), workload.Range(8, 16)
	p.Absences = []workload.Absence{{User: 24, From: load / 4, To: load / 2}}
	for i := range 4 {
		add(fmt.Sprintf("pair %d", i+1), chat.Direct, 16+2*i, 18+2*i, 4)
	}
	return p
}

// variant is the hardened system with the mutant's defects. The properties with parameters are judged where a defect
// is far from what a busy machine does.
func (m Mutant) variant() scenarios.Variant {
	sw, err := chat.Profile(chat.ProfileHardened)
	if err != nil {
		panic(err) // the name is ours
	}
	sw.Mutant = m.System
	v := scenarios.Variant{Name: m.Name, Description: m.What, Switches: sw, Defect: m.Client}
	checks := []property.Property{
		property.RawAtMostOnce(),
		property.ExactResume(),
		property.DurableOnReplicas(),
		property.AckedRatio(property.Floor{Phase: "steady", Ratio: 0.95, MinSamples: 20}),
		property.DeliveryLag(property.Bound{Phase: "steady", P50: 700 * time.Millisecond, MinSamples: 20}),
	}
	switch {
	case m.Comings:
		checks = comingsChecks()
	case m.Crowds:
		checks, v.Faults = crowdsChecks(), crowdsFaults
	}
	v.Checks = func(scenarios.Size) (out []scenarios.Check) {
		for _, p := range checks {
			out = append(out, scenarios.Check{Property: p, Expect: scenarios.Holds})
		}
		return out
	}
	return v
}
