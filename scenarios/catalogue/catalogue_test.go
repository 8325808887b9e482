package catalogue_test

import (
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/catalogue"
	"github.com/chatlab/chatlab/scenarios/environment/pod"
	"github.com/chatlab/chatlab/scenarios/environment/worlds"
	"github.com/chatlab/chatlab/scenarios/load"
	"github.com/chatlab/chatlab/scenarios/machine"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

var world scenarios.Environment

func TestMain(m *testing.M) {
	pod.Main()
	load.Main()
	flag.Parse()
	os.Exit(worlds.During(worlds.Options{Name: worlds.Named(testing.Short())}, func(w scenarios.Environment) int {
		world = w
		at := 4
		if everything() || shared() {
			at = 1
		}
		machine.SideBySide(at)
		return m.Run()
	}))
}

// shared says that all runs have the same stores, and so one at a time.
func shared() bool { return world.Name() == worlds.Containers }

// light is the load in pushes per second below which scenarios are played side by side: most of their time passes waiting.
const light = 1000

func everything() bool { return os.Getenv("CHATLAB_VARIANTS") != "" }

// played are the variants of a scenario: all where the environment asks for it (make scenarios) or much has to be pushed,
// and otherwise the one that has to keep every promise.
func played(sc scenarios.Scenario, busy bool) []scenarios.Variant {
	if busy && !shared() || everything() {
		return slices.DeleteFunc(slices.Clone(sc.Variants), func(v scenarios.Variant) bool { return v.In(world.Name()) != nil })
	}
	hardened, err := sc.Variant(chat.ProfileHardened)
	if err != nil {
		panic(err) // the names are ours
	}
	return []scenarios.Variant{hardened}
}

// TestScenarios plays every scenario small. What each variant must show stands in the scenario's file.
func TestScenarios(t *testing.T) {
	for _, sc := range catalogue.All() {
		busy := sc.Play(scenarios.Small).Plan.PushesPerSecond() >= light
		sideBySide := !busy && !shared()
		t.Run(sc.Name, func(t *testing.T) {
			if sideBySide {
				t.Parallel()
			}
			for _, v := range played(sc, busy) {
				t.Run(v.Name, func(t *testing.T) {
					if sideBySide {
						t.Parallel()
					}
					play(t, sc, v)
				})
			}
		})
	}
}

// play plays a variant. A run that does not decide, because something else kept the machine busy in its steady state, is
// played once more; one that failed is not.
func play(t *testing.T, sc scenarios.Scenario, v scenarios.Variant) {
	res := playOnce(t, sc, v)
	if undecided(res) {
		t.Log("the run does not decide: once more")
		res = playOnce(t, sc, v)
	}
	for _, p := range res.Properties {
		if judged(p) && p.Status != scenarios.Passed {
			t.Errorf("%s\n  wanted: %s\n  seen: %s\n  %v", p.Name, p.Verdict.Expected, p.Verdict.Observed, p.Witnesses)
		}
	}
}

func playOnce(t *testing.T, sc scenarios.Scenario, v scenarios.Variant) scenarios.Result {
	file := filepath.Join(t.TempDir(), "history.chatlab")
	out, err := os.Create(file)
	require.NoError(t, err)
	opt := scenarios.Options{Seed: 1, Size: scenarios.Small, Patience: worlds.Patience(world), Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	require.NoError(t, scenarios.Run(t.Context(), world, sc, v, opt, out))
	require.NoError(t, out.Close())
	res, err := scenarios.Judge(sc, v, scenarios.Small, file)
	require.NoError(t, err)
	for _, p := range res.Properties {
		t.Logf("%-12s %-45s expected %-8s observed %s", p.Status, p.Name, p.Expect, p.Verdict.Status)
		if judged(p) && p.Status == scenarios.Inconclusive {
			t.Logf("  wanted: %s\n  seen: %s", p.Verdict.Expected, p.Verdict.Observed)
		}
	}
	return res
}

func undecided(res scenarios.Result) bool {
	some := false
	for _, p := range res.Properties {
		if judged(p) && p.Status == scenarios.Failed {
			return false
		}
		some = some || judged(p) && p.Status == scenarios.Inconclusive
	}
	return some
}

// judged leaves out what the race detector's slowness would decide.
func judged(p scenarios.Judged) bool { return !machine.RaceDetector || !aboutTime(p.Name) }

// aboutTime says that a property bounds a duration or a rate.
func aboutTime(name string) bool {
	for _, prefix := range []string{"in time", "unharmed", "group is limited", "lag grows", "heals", "back soon", "deliveries go on", "presence-", "push-", "reads-per-miss"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// TestPlansCanBePlayed checks every size of every scenario without playing it.
func TestPlansCanBePlayed(t *testing.T) {
	for _, sc := range catalogue.All() {
		require.NotEmpty(t, sc.Claims, sc.Name)
		for _, size := range []scenarios.Size{scenarios.Small, scenarios.Document} {
			p := sc.Play(size)
			require.NoError(t, p.Plan.Validate(), "%s %s", sc.Name, size)
			require.Equal(t, p.Plan.Length, p.Steady+p.Fault+p.Recovery)
			_, err := workload.New(p.Plan, 1)
			require.NoError(t, err)
			for _, v := range sc.Variants {
				require.NoError(t, v.Switches.Validate())
				if v.Faults != nil {
					_, err := scenarios.ParseFaults(v, size)
					require.NoError(t, err)
				}
			}
		}
	}
}
