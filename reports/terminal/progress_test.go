package terminal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/reports/terminal"
)

// story plays a run of twelve seconds, a status each second, with something said in between.
func story(p *terminal.Progress) {
	for second := range 13 {
		phase := "steady state"
		if second >= 8 {
			phase = "fault"
		}
		n := int64(second)
		p.Show(terminal.Status{
			Variant: "hardened", Phase: phase, Elapsed: time.Duration(second)*time.Second + 300*time.Millisecond,
			Sends: 100 * n, Acks: 99 * n, Deliveries: 49500 * n, Lag: n - 1,
		})
		if second == 8 {
			p.Say("fault begun: kill gateway-1\x1b[2J")
		}
	}
	p.Done()
	p.Say("done")
}

func TestPlainProgressIsALineNowAndThen(t *testing.T) {
	var out strings.Builder
	story(terminal.NewProgress(&out, terminal.Screen{Width: 80}))
	golden(t, "progress.plain.txt", out.String())
	assert.NotContains(t, out.String(), "\r")
}

func TestLiveProgressIsOneLineWrittenOver(t *testing.T) {
	var out strings.Builder
	story(terminal.NewProgress(&out, terminal.Screen{Live: true, Width: 60}))
	golden(t, "progress.live.txt", strings.NewReplacer("\r", "<cr>", "\x1b[K", "<clear>\n").Replace(out.String()))
	assert.Equal(t, 2, strings.Count(out.String(), "\n"), "only what was said stays")
}

func TestFileIsNoLiveScreen(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer f.Close()
	environment := map[string]string{"COLUMNS": "132"}
	screen := terminal.Detect(f, func(name string) string { return environment[name] })
	assert.Equal(t, terminal.Screen{Width: 132}, screen)
	assert.Equal(t, 80, terminal.Detect(f, func(string) string { return "" }).Width)
}
