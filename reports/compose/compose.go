// Package compose makes a report of a scenario's judged variants.
package compose

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/shirou/gopsutil/v4/mem"

	"github.com/chatlab/chatlab/reports"
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
)

// Run is what a report says of the whole run.
type Run struct {
	World, Why string
	Seed       uint64
	Size       scenarios.Size
	Commit     string
	Started    time.Time
	Took       time.Duration
	Reproduce  string
}

// Report makes the report.
func Report(sc scenarios.Scenario, results []scenarios.Result, run Run) reports.Report {
	r := reports.Report{
		Scenario: sc.Name, Question: sc.Question, World: run.World, WorldReason: run.Why, Seed: run.Seed, Size: string(run.Size),
		Commit: run.Commit, Started: run.Started.UTC(), DurationS: reports.Number(run.Took.Seconds()), Machine: machine(),
		Reproduce: run.Reproduce, Verdict: overall(results),
	}
	for _, s := range sc.Play(run.Size).Scale {
		r.Scale = append(r.Scale, reports.Scale{What: s.What, Factor: reports.Number(s.Factor), Reason: s.Reason})
	}
	for _, c := range sc.Claims {
		r.Claims = append(r.Claims, claim(c, results))
	}
	for _, res := range results {
		r.Variants = append(r.Variants, variant(res))
	}
	return r
}

// overall: one failure fails the run, and one that decides nothing decides nothing.
func overall(results []scenarios.Result) reports.Verdict {
	verdict := reports.Passed
	for _, r := range results {
		switch {
		case r.Verdict == scenarios.Failed:
			return reports.Failed
		case r.Verdict == scenarios.Inconclusive:
			verdict = reports.Inconclusive
		}
	}
	return verdict
}

func claim(c scenarios.Claim, results []scenarios.Result) reports.Claim {
	j := c.Judge(results)
	out := reports.Claim{ID: c.ID, Text: c.Text, Verdict: reports.ClaimVerdict(j.Verdict), Condition: j.Why}
	for _, m := range j.Measured {
		out.Measured = append(out.Measured, reports.Measurement{Variant: m.Variant, Name: m.Name, Value: reports.Number(m.Value), Unit: m.Unit})
	}
	return out
}

func variant(res scenarios.Result) reports.Variant {
	v := reports.Variant{
		Name: res.Variant.Name, Description: res.Variant.Description, Switches: switches(res.Variant), Verdict: reports.Verdict(res.Verdict),
		Why: res.Why, Metrics: metrics(res), History: res.FileName(),
	}
	for _, p := range res.Properties {
		v.Properties = append(v.Properties, judged(p))
	}
	for _, f := range res.Numbers.Faults {
		v.Faults = append(v.Faults, reports.Fault{Text: f.Text, BegunS: reports.Number(f.Begun), EndedS: reports.Number(f.Ended)})
	}
	for _, p := range res.Numbers.Phases {
		v.Phases = append(v.Phases, reports.Phase{Name: p.Name, StartS: reports.Number(p.Start), EndS: reports.Number(p.End)})
	}
	v.Timeline = timeline(res.Numbers)
	return v
}

func judged(p scenarios.Judged) reports.Property {
	out := reports.Property{
		Name: p.Name, Promise: p.Promise, Expected: reports.Outcome(p.Expect), Observed: reports.Outcome(p.Verdict.Status),
		Status: map[scenarios.Verdict]reports.Status{
			scenarios.Passed: reports.OK, scenarios.Failed: reports.Unexpected, scenarios.Inconclusive: reports.Undecided,
		}[p.Status],
		Detail: fmt.Sprintf("wanted: %s; seen: %s", p.Verdict.Expected, p.Verdict.Observed),
	}
	for _, w := range p.Witnesses {
		out.Witnesses = append(out.Witnesses, reports.Witness{AtS: reports.Number(w.At.Seconds()), Text: w.Text})
	}
	return out
}

// switches shows the typed configuration as text, so that the page needs no list of fields.
func switches(v scenarios.Variant) map[string]string {
	data, err := json.Marshal(v.Switches)
	fields := map[string]any{}
	if err != nil || json.Unmarshal(data, &fields) != nil {
		return nil
	}
	out := map[string]string{}
	for k, x := range fields {
		out[k] = fmt.Sprint(x)
	}
	out["group_wait"] = v.Switches.GroupWait.String()
	if v.Defect != "" {
		out["client_defect"] = v.Defect
	}
	return out
}

func timeline(n *measure.Numbers) reports.Timeline {
	t := reports.Timeline{StepS: reports.Number(n.Timeline.Step)}
	for _, s := range n.Timeline.Series {
		out := reports.Series{Name: s.Name, Of: s.Of, Unit: s.Unit}
		for _, p := range s.Points {
			out.Points = append(out.Points, reports.Number(p))
		}
		t.Series = append(t.Series, out)
	}
	return t
}

func machine() reports.Machine {
	m := reports.Machine{Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH}
	if v, err := mem.VirtualMemory(); err == nil {
		m.MemoryBytes = int64(v.Total)
	}
	return m
}

// Commit is the commit that the program was built from, if the build knew.
func Commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
