package explore_test

import (
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/pod"
	"github.com/chatlab/chatlab/scenarios/environment/worlds"
	"github.com/chatlab/chatlab/scenarios/explore"
	"github.com/chatlab/chatlab/scenarios/machine"
)

var world scenarios.Environment

func TestMain(m *testing.M) {
	pod.Main()
	flag.Parse()
	os.Exit(worlds.During(worlds.Options{Name: worlds.Named(testing.Short())}, func(w scenarios.Environment) int {
		world = w
		machine.SideBySide(4)
		return m.Run()
	}))
}

// sideBySide plays a test beside others where each run has stores of its own.
func sideBySide(t *testing.T) {
	if world.Name() == worlds.Embedded {
		t.Parallel()
	}
}

// draws has the same few plans drawn each time, unless CHATLAB_PLANS says how many to draw that nobody has seen. What
// the command line says goes before.
func draws(t *testing.T) {
	settings := map[string]string{"rapid.checks": "2", "rapid.seed": "1", "rapid.nofailfile": "true"} // the plan itself is kept
	if n := os.Getenv("CHATLAB_PLANS"); n != "" {
		settings = map[string]string{"rapid.checks": n, "rapid.shrinktime": "10m", "rapid.nofailfile": "true"}
	}
	for name, value := range settings {
		f := flag.Lookup(name)
		if old := f.Value.String(); old == f.DefValue {
			require.NoError(t, flag.Set(name, value))
			t.Cleanup(func() { require.NoError(t, flag.Set(name, old)) })
		}
	}
}

// TestRandomPlans: whatever breaks, hardened keeps every promise.
func TestRandomPlans(t *testing.T) {
	sideBySide(t)
	draws(t)
	played := 0
	rapid.Check(t, func(rt *rapid.T) {
		p := plans().Draw(rt, "plan")
		played++
		t.Logf("plan %d: %v %v", played, p.Switches, p.Faults)
		if broken := play(rt, t, p); broken != "" {
			rt.Fatalf("a promise is broken. Save this as plan.json, and play it again with chatlab run --plan plan.json:\n%s\n%s", p, broken)
		}
	})
}

// TestADefectIsSeen: a plan of a system that loses what it acknowledged breaks the promise that this would not happen.
func TestADefectIsSeen(t *testing.T) {
	sideBySide(t)
	p, err := explore.Read(strings.NewReader(strings.Replace(good, `"seed"`, `"switches":{"mutant":"lost_write"},"seed"`, 1)))
	require.NoError(t, err)
	require.Contains(t, play(t, t, p), "no-acked-loss")
}

// TestRegressions plays what once broke a promise.
func TestRegressions(t *testing.T) {
	sideBySide(t)
	files, err := filepath.Glob("testdata/regressions/*.json")
	require.NoError(t, err)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			sideBySide(t)
			f, err := os.Open(file)
			require.NoError(t, err)
			defer f.Close()
			p, err := explore.Read(f)
			require.NoError(t, err)
			require.Empty(t, play(t, t, p))
		})
	}
}

// play says which promises the plan broke.
func play(now require.TestingT, t *testing.T, p explore.Plan) (broken string) {
	sc, err := p.Scenario()
	require.NoError(now, err)
	v := sc.Variants[0]
	out, err := os.CreateTemp(t.TempDir(), "history-*.chatlab")
	require.NoError(now, err)
	defer os.Remove(out.Name())
	opt := scenarios.Options{Seed: p.Seed, Size: scenarios.Small, Patience: worlds.Patience(world), Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	err = scenarios.Run(t.Context(), world, sc, v, opt, out)
	if err != nil {
		t.Logf("this plan could not be played:\n%s\n%v", p, err) // in full: one that then can be is told as flaky, without the error
	}
	require.NoError(now, err)
	require.NoError(now, out.Close())
	res, err := scenarios.Judge(sc, v, scenarios.Small, out.Name())
	require.NoError(now, err)
	for _, j := range res.Properties {
		if j.Status == scenarios.Failed {
			broken += fmt.Sprintf("%s\n  wanted: %s\n  seen: %s\n  %v\n", j.Name, j.Verdict.Expected, j.Verdict.Observed, j.Witnesses)
		}
	}
	if keep := os.Getenv("CHATLAB_KEEP"); keep != "" && broken != "" {
		require.NoError(now, keepHistory(keep, out.Name(), p))
	}
	return broken
}

// keepHistory puts a plan and the history that it left into a directory.
func keepHistory(dir, history string, p explore.Plan) error {
	data, err := os.ReadFile(history)
	if err != nil {
		return err
	}
	base := filepath.Join(dir, strings.TrimSuffix(filepath.Base(history), ".chatlab"))
	if err := os.WriteFile(base+".chatlab", data, fs.FileMode(0o644)); err != nil {
		return err
	}
	return os.WriteFile(base+".json", []byte(p.String()+"\n"), fs.FileMode(0o644))
}
