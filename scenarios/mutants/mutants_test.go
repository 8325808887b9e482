package mutants_test

import (
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/embedded"
	"github.com/chatlab/chatlab/scenarios/environment/pod"
	"github.com/chatlab/chatlab/scenarios/machine"
	"github.com/chatlab/chatlab/scenarios/mutants"
	"github.com/chatlab/chatlab/scenarios/property"
	"github.com/chatlab/chatlab/system/chat"
)

func TestMain(m *testing.M) {
	pod.Main()
	flag.Parse()
	machine.SideBySide(2)
	os.Exit(m.Run())
}

// TestMutants plays every mutant where the environment asks for it (make mutants), and otherwise two of them, to show
// that the way from a switch to a caught defect is open.
func TestMutants(t *testing.T) {
	all, load := append([]mutants.Mutant{mutants.None(), mutants.NoneWhereTheyComeAndGo(), mutants.NoneWhereCrowdsCome()}, mutants.All()...), 5*time.Second
	whole := os.Getenv("CHATLAB_MUTANTS") != ""
	if !whole {
		all, load = mutants.Smoke(), 3*time.Second
	}
	start := time.Now()
	var mu sync.Mutex
	var outcomes []mutants.Outcome
	t.Cleanup(func() {
		t.Logf("%s in all\n%s", time.Since(start).Round(time.Second), mutants.Matrix(outcomes))
		if whole {
			require.Empty(t, mutants.Missed(outcomes))
		}
	})
	for _, m := range all {
		t.Run(m.Name, func(t *testing.T) {
			if !whole {
				t.Parallel()
			}
			o := play(t, m, load)
			mu.Lock()
			defer mu.Unlock()
			outcomes = append(outcomes, o)
		})
	}
}

func play(t *testing.T, m mutants.Mutant, load time.Duration) mutants.Outcome {
	env := embedded.Environment{Reason: "tests run where nothing has to be installed"}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	o, err := mutants.Play(t.Context(), env, m, load, filepath.Join(t.TempDir(), "history.chatlab"), log)
	require.NoError(t, err)
	t.Log(o.Seen())
	require.Empty(t, o.Missed())
	return o
}

// TestEveryDefectIsPlayed keeps the list of mutants and that of the system's defects together.
func TestEveryDefectIsPlayed(t *testing.T) {
	var played []string
	for _, m := range mutants.All() {
		if m.System != "" {
			played = append(played, m.System)
		}
	}
	require.Subset(t, played, chat.Mutants(), "every defect of the system is played")
	require.Subset(t, chat.Mutants(), played, "every mutant is a defect of the system")
	sw, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	sw.Mutant = "lost_rite"
	require.ErrorContains(t, sw.Validate(), `mutant "lost_rite" is unknown`)
}

// TestWhatIsMissedIsTold shows that the lab's own judgement of itself can fail.
func TestWhatIsMissedIsTold(t *testing.T) {
	judged := func(target string, statuses ...property.Status) mutants.Outcome {
		o := mutants.Outcome{Mutant: mutants.Mutant{Name: "on " + target, Target: target}}
		for i, s := range statuses {
			r := property.Result{Name: string(rune('a' + i)), Verdict: property.Verdict{Status: s, Observed: "this"}}
			o.Properties = append(o.Properties, scenarios.Judged{Result: r})
		}
		return o
	}
	const holds, broken, unknown = property.Holds, property.Broken, property.Unknown
	require.Empty(t, mutants.Missed([]mutants.Outcome{judged("", holds, holds), judged("a", broken, holds), judged("b", holds, broken)}))
	require.Equal(t, []string{"mutant on b: b holds: this", "property b catches no mutant"},
		mutants.Missed([]mutants.Outcome{judged("", holds, holds), judged("a", broken, holds), judged("b", broken, holds)}))
	require.Len(t, mutants.Missed([]mutants.Outcome{judged("", broken, unknown), judged("b", holds, broken)}), 2, "nothing is wrong, but one breaks and one cannot tell")
}
