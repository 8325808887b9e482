package paths_test

import (
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/environment/embedded"
	"github.com/chatlab/chatlab/scenarios/environment/pod"
	"github.com/chatlab/chatlab/scenarios/machine"
	"github.com/chatlab/chatlab/scenarios/paths"
)

func TestMain(m *testing.M) {
	pod.Main()
	flag.Parse()
	machine.SideBySide(2)
	os.Exit(m.Run())
}

// plays is how often a cell is played until a break that is foretold shows.
const plays = 3

// TestPaths plays every write path under every fault where the environment asks for it (make paths), and otherwise two
// cells. What must hold and what must break stands in expect.go, and is asserted both ways.
func TestPaths(t *testing.T) {
	cells, whole := paths.All(), os.Getenv("CHATLAB_PATHS") != ""
	if !whole {
		cells = paths.Smoke()
	}
	start := time.Now()
	var mu sync.Mutex
	var outcomes []paths.Outcome
	t.Cleanup(func() { t.Logf("%s in all\n%s", time.Since(start).Round(time.Second), paths.Matrix(outcomes)) })
	for _, c := range cells {
		t.Run(c.Name(), func(t *testing.T) {
			if !whole {
				t.Parallel()
			}
			o := play(t, c)
			mu.Lock()
			defer mu.Unlock()
			outcomes = append(outcomes, o)
		})
	}
}

func play(t *testing.T, c paths.Cell) (o paths.Outcome) {
	for n := range plays {
		env := embedded.Environment{Reason: "tests run where nothing has to be installed"}
		log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
		next, err := paths.Play(t.Context(), env, c, filepath.Join(t.TempDir(), "history.chatlab"), log)
		require.NoError(t, err)
		if n > 0 {
			next = paths.Merge(o, next)
		}
		o = next
		if !o.Waits() {
			break
		}
	}
	for _, w := range o.Wrong() {
		t.Error(w)
	}
	return o
}
