package main

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/reports/compose"
	"github.com/chatlab/chatlab/reports/terminal"
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/catalogue"
)

type checkCommand struct {
	File string `arg:"" help:"A history that a run wrote." type:"existingfile"`
}

// Run judges the history by the scenario and variant that it names.
func (k checkCommand) Run(c *console) error {
	h, err := scenarios.HeaderOf(k.File)
	if err != nil {
		return fmt.Errorf("read %s: %w", k.File, err)
	}
	sc, err := catalogue.Find(h.Scenario)
	if err != nil {
		return fmt.Errorf("%s: %w", k.File, err)
	}
	v, err := sc.Variant(h.Variant)
	if err != nil {
		return fmt.Errorf("%s: %w", k.File, err)
	}
	size, err := scenarios.ParseSize(h.Size)
	if err != nil {
		return fmt.Errorf("%s: %w", k.File, err)
	}
	started := time.Now()
	res, err := scenarios.Judge(sc, v, size, k.File)
	if err != nil {
		return err
	}
	report := compose.Report(sc, []scenarios.Result{res}, compose.Run{
		World: h.World, Why: "said by the history", Seed: h.Seed, Size: size, Commit: h.Commit, Started: h.Started, Took: time.Since(started),
		Reproduce: "go run ./cmd/chatlab check " + k.File,
	})
	c.code = codeOf(report.Verdict)
	screen := c.screen()
	return terminal.Verdict(c.stdout, report, "", screen.Width, screen.Color)
}
