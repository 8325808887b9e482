package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/chatlab/chatlab/reports"
	"github.com/chatlab/chatlab/reports/compose"
	"github.com/chatlab/chatlab/reports/terminal"
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/worlds"
)

// play runs one variant into its history file and judges that file.
func (r runCommand) play(c *console, env scenarios.Environment, words *lastWords, sc scenarios.Scenario, v scenarios.Variant) (scenarios.Result, error) {
	file := filepath.Join(r.Out, "history-"+v.Name+".chatlab")
	progress := terminal.NewProgress(c.stdout, c.screen())
	words.forget()
	err := r.record(c, env, sc, v, file, progress)
	switch {
	case err == nil:
		words.tell(c.stderr, crashed)
	case c.ctx.Err() != nil:
		return scenarios.Result{}, interrupted(v.Name, file)
	default:
		words.tell(c.stderr, everybody)
		return scenarios.Result{}, fmt.Errorf("variant %s: %w", v.Name, err)
	}
	res, err := scenarios.Judge(sc, v, scenarios.Size(r.Size), file)
	if err != nil {
		return res, incomplete(file, err)
	}
	progress.Say(fmt.Sprintf("%s %s: %s", reports.Verdict(res.Verdict).Mark(), res.Verdict, res.Why))
	return res, nil
}

// record plays the variant and writes what happens to the file.
func (r runCommand) record(c *console, env scenarios.Environment, sc scenarios.Scenario, v scenarios.Variant, file string, progress *terminal.Progress) error {
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("make history: %w\nChoose a directory that can be written with --out DIR", err)
	}
	started := starting(progress, v.Name)
	err = scenarios.Run(c.ctx, env, sc, v, scenarios.Options{
		Seed: r.Seed, Size: scenarios.Size(r.Size), Commit: compose.Commit(), Patience: worlds.Patience(env),
		Log: slog.New(slog.NewTextHandler(progress.Above(c.stderr), &slog.HandlerOptions{Level: r.LogLevel})),
		Progress: func(p scenarios.Progress) {
			started()
			progress.Show(statusOf(p))
		},
	}, out)
	started()
	progress.Done()
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	return err
}

// starting shows that the system starts, until the run has something to show of itself.
func starting(progress *terminal.Progress, variant string) (stop func()) {
	began, tick, quit := time.Now(), time.NewTicker(time.Second), make(chan struct{})
	show := func() {
		progress.Show(terminal.Status{Variant: variant, Phase: "start", Elapsed: time.Since(began), Lag: -1})
	}
	var shown sync.WaitGroup
	show()
	shown.Go(func() {
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				show()
			}
		}
	})
	return sync.OnceFunc(func() { close(quit); shown.Wait() })
}

func statusOf(p scenarios.Progress) terminal.Status {
	return terminal.Status{
		Variant: p.Variant, Phase: p.Phase, Elapsed: p.Elapsed, Length: p.Length,
		Sends: p.Sends, Acks: p.Acks, Deliveries: p.Deliveries, Lag: p.Lag,
	}
}

// interrupted says where the part of a run is that was played.
func interrupted(variant, file string) error {
	if info, err := os.Stat(file); err == nil && info.Size() == 0 {
		_ = os.Remove(file)
		return fmt.Errorf("interrupted before variant %s began", variant)
	}
	return fmt.Errorf("interrupted during variant %s: what happened until then is in %s\nchatlab history %s prints it; for a verdict, play the scenario again", variant, file, file)
}
