package main

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/reports/compose"
	"github.com/chatlab/chatlab/reports/terminal"
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/catalogue"
	"github.com/chatlab/chatlab/scenarios/explore"
	"github.com/chatlab/chatlab/scenarios/history"
)

type checkCommand struct {
	File string `arg:"" help:"A history that a run wrote: history-VARIANT.chatlab, or the lines that chatlab history prints." type:"path"`
}

// Run judges the history by the scenario and variant that it names.
func (k checkCommand) Run(c *console) error {
	h, err := scenarios.HeaderOf(k.File)
	if err != nil {
		return unreadable(k.File, err)
	}
	sc, v, size, err := asked(h)
	if err != nil {
		return fmt.Errorf("%s: %w\nIts first line must name them: %s", k.File, err,
			`{"kind":"header","format":1,"scenario":"steady-state","variant":"hardened","size":"small"}`)
	}
	started := time.Now()
	res, err := scenarios.Judge(sc, v, size, k.File)
	if err != nil {
		return incomplete(k.File, err)
	}
	report := compose.Report(sc, []scenarios.Result{res}, compose.Run{
		World: h.World, Why: "said by the history", Seed: h.Seed, Size: size, Commit: h.Commit, Started: h.Started, Took: time.Since(started),
		Reproduce: "go run ./cmd/chatlab check " + k.File,
	})
	c.code = codeOf(report.Verdict)
	screen := c.screen()
	return terminal.Verdict(c.stdout, report, "", screen.Width, screen.Color)
}

// asked finds what a history was recorded for.
func asked(h history.Header) (scenarios.Scenario, scenarios.Variant, scenarios.Size, error) {
	if h.Scenario == explore.Name {
		sc := explore.Scenario(h.Variant)
		return sc, sc.Variants[0], scenarios.Small, nil
	}
	sc, err := catalogue.Find(h.Scenario)
	if err != nil {
		return sc, scenarios.Variant{}, "", err
	}
	v, err := sc.Variant(h.Variant)
	if err != nil {
		return sc, v, "", err
	}
	size, err := scenarios.ParseSize(h.Size)
	return sc, v, size, err
}
