package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chatlab/chatlab/reports"
	"github.com/chatlab/chatlab/reports/compose"
	"github.com/chatlab/chatlab/reports/terminal"
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/catalogue"
	"github.com/chatlab/chatlab/scenarios/explore"
)

type runCommand struct {
	Scenario string     `arg:"" optional:"" help:"Name of the scenario; chatlab list shows them."`
	Plan     string     `help:"Play a plan instead of a scenario, such as make explore prints when one breaks a promise." placeholder:"FILE" type:"path"`
	World    string     `help:"Where it runs: embedded, which needs nothing installed; containers: real Kafka, Cassandra and Redis; or auto: containers if an engine answers that has the images." placeholder:"auto" env:"CHATLAB_WORLD"`
	Variant  []string   `help:"Only these variants; all when left out." placeholder:"NAME"`
	Size     string     `help:"small takes seconds; document has the reference design's own numbers." enum:"small,document" default:"small"`
	Seed     uint64     `help:"The same seed plays the same workload." default:"1"`
	Out      string     `help:"Where report and histories go." default:"chatlab-out" type:"path" placeholder:"DIR"`
	LogLevel slog.Level `help:"What the lab itself says on stderr: debug, info, warn or error." default:"error"`
	Images   images     `embed:""`
}

func (r runCommand) Run(c *console) error {
	sc, variants, err := r.choose()
	if err != nil {
		return err
	}
	if r.Plan != "" {
		c.say(0, "plan "+r.Plan)
	} else {
		c.say(0, fmt.Sprintf("%s, size %s, seed %d", sc.Name, r.Size, r.Seed))
	}
	words := &lastWords{}
	env, leave, err := r.enter(c, words)
	if err != nil {
		return err
	}
	if variants, err = r.playable(c, env, variants); err == nil {
		err = r.clear()
	}
	if err == nil {
		err = r.variants(c, env, words, sc, variants)
	}
	return errors.Join(err, leave())
}

// variants plays each in the world and reports on all.
func (r runCommand) variants(c *console, env scenarios.Environment, words *lastWords, sc scenarios.Scenario, variants []scenarios.Variant) error {
	c.say(0, fmt.Sprintf("world %s: %s", env.Name(), env.Why()))
	c.say(0, sc.Question)
	started := time.Now()
	var results []scenarios.Result
	for i, v := range variants {
		fmt.Fprintln(c.stdout)
		c.say(0, fmt.Sprintf("%s (%d of %d): %s", v.Name, i+1, len(variants), v.Description))
		res, err := r.play(c, env, words, sc, v)
		if err != nil {
			return err
		}
		results = append(results, res)
	}
	return r.report(c, sc, results, compose.Run{World: env.Name(), Why: env.Why(), Started: started, Took: time.Since(started)})
}

// playable leaves out, and says so, what this world cannot play. Who asked for that by name is refused.
func (r runCommand) playable(c *console, env scenarios.Environment, variants []scenarios.Variant) (out []scenarios.Variant, err error) {
	for _, v := range variants {
		switch err := v.In(env.Name()); {
		case err == nil:
			out = append(out, v)
		case len(r.Variant) > 0:
			return nil, fmt.Errorf("%w\nPlay it with --world %s", err, v.World)
		default:
			c.say(0, "left out: "+err.Error())
		}
	}
	return out, nil
}

// choose finds the scenario and the variants that were asked for.
func (r *runCommand) choose() (scenarios.Scenario, []scenarios.Variant, error) {
	switch {
	case r.Plan != "":
		sc, err := r.planned()
		return sc, sc.Variants, err
	case r.Scenario == "":
		return scenarios.Scenario{}, nil, errors.New("name a scenario, or a plan with --plan FILE\nchatlab list shows what each scenario asks")
	}
	sc, err := catalogue.Find(r.Scenario)
	if err != nil {
		return sc, nil, fmt.Errorf("%w\nchatlab list shows what each asks", err)
	}
	var chosen []scenarios.Variant
	for _, name := range r.Variant {
		v, err := sc.Variant(name)
		if err != nil {
			return sc, nil, fmt.Errorf("%w\nchatlab list shows what each is", err)
		}
		chosen = append(chosen, v)
	}
	if len(chosen) == 0 {
		chosen = sc.Variants
	}
	return sc, chosen, nil
}

// planned reads the plan, which says all that a scenario leaves to flags.
func (r *runCommand) planned() (sc scenarios.Scenario, err error) {
	if r.Scenario != "" || len(r.Variant) > 0 || r.Size != string(scenarios.Small) || r.Seed != 1 {
		return sc, errors.New("a plan has its own workload, switches, length and seed: leave out scenario, --variant, --size and --seed")
	}
	f, err := os.Open(r.Plan)
	if err != nil {
		return sc, fmt.Errorf("open plan: %w", err)
	}
	defer f.Close()
	p, err := explore.Read(f)
	if err != nil {
		return sc, fmt.Errorf("%s: %w", r.Plan, err)
	}
	r.Seed = p.Seed
	return p.Scenario()
}

// clear makes the directory and takes the last run's report out of it, so that a run which ends early does not leave
// an older verdict beside its history.
func (r runCommand) clear() error {
	if err := os.MkdirAll(r.Out, 0o755); err != nil {
		return fmt.Errorf("make directory of the report: %w\nChoose a directory that can be written with --out DIR", err)
	}
	for _, name := range []string{reports.PageFile, reports.JSONFile, reports.JUnitFile} {
		if err := os.Remove(filepath.Join(r.Out, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the last report: %w\nChoose a directory that can be written with --out DIR", err)
		}
	}
	return nil
}

func (r runCommand) report(c *console, sc scenarios.Scenario, results []scenarios.Result, about compose.Run) error {
	about.Seed, about.Size, about.Commit, about.Reproduce = r.Seed, scenarios.Size(r.Size), compose.Commit(), r.again()
	report := compose.Report(sc, results, about)
	if err := reports.Write(r.Out, report); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	c.code = codeOf(report.Verdict)
	fmt.Fprintln(c.stdout)
	screen := c.screen()
	return terminal.Verdict(c.stdout, report, r.Out, screen.Width, screen.Color)
}

// again is the command that plays the same run.
func (r runCommand) again() string {
	args := []string{"go run ./cmd/chatlab run", r.Scenario, "--size", r.Size, "--seed", fmt.Sprint(r.Seed)}
	if r.Plan != "" {
		args = []string{"go run ./cmd/chatlab run --plan", r.Plan}
	}
	if r.World != "" {
		args = append(args, "--world", r.World)
	}
	for _, v := range r.Variant {
		args = append(args, "--variant", v)
	}
	return strings.Join(args, " ")
}

func codeOf(v reports.Verdict) int {
	switch v {
	case reports.Passed:
		return exitPassed
	case reports.Failed:
		return exitFailed
	}
	return exitInconclusive
}
