package main

import (
	"errors"
	"fmt"
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
	"github.com/chatlab/chatlab/scenarios/environment/embedded"
)

type runCommand struct {
	Scenario string     `arg:"" help:"Name of the scenario; chatlab list shows them."`
	World    string     `help:"Where it runs." enum:"embedded" default:"embedded" env:"CHATLAB_WORLD"`
	Variant  []string   `help:"Only these variants; all when left out." placeholder:"NAME"`
	Size     string     `help:"small takes seconds; document has the reference design's own numbers." enum:"small,document" default:"small"`
	Seed     uint64     `help:"The same seed plays the same workload." default:"1"`
	Out      string     `help:"Where the report goes." default:"chatlab-out" type:"path" placeholder:"DIR"`
	LogLevel slog.Level `help:"What the lab itself says on stderr: debug, info, warn or error." default:"error"`
}

func (r runCommand) Run(c *console) error {
	sc, variants, err := r.choose()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.Out, 0o755); err != nil {
		return fmt.Errorf("make directory of the report: %w", err)
	}
	env := embedded.Environment{Reason: "chosen by --world, CHATLAB_WORLD or default: nothing has to be installed"}
	fmt.Fprintf(c.stdout, "%s, size %s, seed %d\nworld %s: %s\n%s\n\n", sc.Name, r.Size, r.Seed, env.Name(), env.Why(), sc.Question)
	started := time.Now()
	var results []scenarios.Result
	for _, v := range variants {
		res, err := r.play(c, env, sc, v)
		if err != nil {
			return err
		}
		results = append(results, res)
	}
	report := compose.Report(sc, results, compose.Run{
		World: env.Name(), Why: env.Why(), Seed: r.Seed, Size: scenarios.Size(r.Size), Commit: compose.Commit(), Started: started, Took: time.Since(started),
		Reproduce: r.command(),
	})
	if err := reports.Write(r.Out, report); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	c.code = codeOf(report.Verdict)
	screen := c.screen()
	return terminal.Verdict(c.stdout, report, r.Out, screen.Width, screen.Color)
}

func (r runCommand) choose() (scenarios.Scenario, []scenarios.Variant, error) {
	sc, err := catalogue.Find(r.Scenario)
	if err != nil || len(r.Variant) == 0 {
		return sc, sc.Variants, err
	}
	var chosen []scenarios.Variant
	for _, name := range r.Variant {
		v, err := sc.Variant(name)
		if err != nil {
			return sc, nil, err
		}
		chosen = append(chosen, v)
	}
	return sc, chosen, nil
}

// play runs one variant into its history file and judges that file.
func (r runCommand) play(c *console, env scenarios.Environment, sc scenarios.Scenario, v scenarios.Variant) (scenarios.Result, error) {
	file := filepath.Join(r.Out, "history-"+v.Name+".chatlab")
	out, err := os.Create(file)
	if err != nil {
		return scenarios.Result{}, fmt.Errorf("make history: %w", err)
	}
	progress := terminal.NewProgress(c.stdout, c.screen())
	err = scenarios.Run(c.ctx, env, sc, v, scenarios.Options{
		Seed: r.Seed, Size: scenarios.Size(r.Size), Commit: compose.Commit(),
		Log:      slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: r.LogLevel})),
		Progress: func(p scenarios.Progress) { progress.Show(statusOf(p)) },
	}, out)
	progress.Done()
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		if c.ctx.Err() != nil {
			err = errors.New("interrupted; what was recorded is in " + file)
		}
		return scenarios.Result{}, fmt.Errorf("variant %s: %w", v.Name, err)
	}
	progress.Say("judging " + filepath.Base(file))
	return scenarios.Judge(sc, v, scenarios.Size(r.Size), file)
}

func statusOf(p scenarios.Progress) terminal.Status {
	return terminal.Status{Variant: p.Variant, Phase: p.Phase, Elapsed: p.Elapsed, Sends: p.Sends, Acks: p.Acks, Deliveries: p.Deliveries, Lag: p.Lag}
}

func (r runCommand) command() string {
	args := []string{"go run ./cmd/chatlab run", r.Scenario, "--size", r.Size, "--seed", fmt.Sprint(r.Seed)}
	for _, v := range r.Variant {
		args = append(args, "--variant", v)
	}
	return strings.Join(args, " ")
}

func (c *console) screen() terminal.Screen {
	if f, ok := c.stdout.(*os.File); ok {
		return terminal.Detect(f, os.Getenv)
	}
	return terminal.Screen{Width: 100}
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
