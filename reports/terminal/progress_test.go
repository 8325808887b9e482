package terminal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/reports/terminal"
)

// story plays a run of twelve seconds, a status each second, with something said in between.
func story(p *terminal.Progress) {
	for second := range 13 {
		phase := "steady"
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

func TestWhatOthersWriteStaysAboveTheStatus(t *testing.T) {
	var out strings.Builder
	p := terminal.NewProgress(&out, terminal.Screen{Live: true, Width: 20})
	log := p.Above(&out)
	_, _ = log.Write([]byte("before\n"))
	p.Show(terminal.Status{Variant: "hardened", Phase: "fault", Elapsed: 3 * time.Second, Length: 8 * time.Second, Lag: -1})
	_, _ = log.Write([]byte("level=WARN\n"))
	p.Done()
	_, _ = log.Write([]byte("after\n"))
	const status = "hardened  fault   …"
	assert.Equal(t, "before\n\r"+status+"\x1b[K\r\x1b[Klevel=WARN\n"+status+"\r\x1b[Kafter\n", out.String())
}

func TestStatusSaysHowFarARunIs(t *testing.T) {
	s := terminal.Status{Variant: "mitigated", Phase: "recovery", Elapsed: 7900 * time.Millisecond, Length: 8 * time.Second, Sends: 12345, Acks: 12345, Deliveries: 1234567, Lag: 1234}
	assert.Equal(t, "mitigated recovery 7 of 8 s  sends 12.3 K acks 12.3 K deliveries 1.23 M lag 1,234", s.String())
	assert.Less(t, utf8.RuneCountInString(s.String()), 83)
	s.Elapsed = 9 * time.Second
	assert.Contains(t, s.String(), "recovery 9 s ", "past its length a run settles")
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
