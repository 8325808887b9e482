package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/chatlab/chatlab/reports/quantity"
)

// A Status is where a run stands; the counts are totals since it began, and a negative lag is one nobody knows.
type Status struct {
	Variant    string
	Phase      string
	Elapsed    time.Duration
	Length     time.Duration // of the workload; 0 when it is not known
	Sends      int64
	Acks       int64
	Deliveries int64
	Lag        int64 // messages
}

// String returns the status as one line that fits 80 columns.
func (s Status) String() string {
	lag := quantity.None
	if s.Lag >= 0 {
		lag = count(s.Lag)
	}
	words := []string{
		pad(clean(s.Variant), 9), pad(clean(s.Phase), 8), pad(s.elapsed(), 9),
		pad("sends "+count(s.Sends), 11), pad("acks "+count(s.Acks), 10), pad("deliveries "+count(s.Deliveries), 16), "lag " + lag,
	}
	return strings.Join(words, " ")
}

func count(n int64) string { return quantity.Count(float64(n)) }

// elapsed keeps to whole seconds, so that the line does not twitch; past its length a run settles for as long as it takes.
func (s Status) elapsed() string {
	if s.Elapsed < s.Length && s.Length < time.Minute {
		return fmt.Sprintf("%d of %d s", int(s.Elapsed.Seconds()), int(s.Length.Seconds()))
	}
	return quantity.Format(s.Elapsed.Truncate(time.Second).Seconds(), "s")
}

// quiet is how long a screen that cannot be written over hears nothing, unless the phase changes.
const quiet = 5 * time.Second

// Progress shows the status of a run: on a live screen as one line that is written over, elsewhere as a line every five
// seconds and at every change of phase. It may be used by several goroutines. Errors of the writer are ignored:
// a run does not fail because nobody watches.
type Progress struct {
	out    io.Writer
	screen Screen

	mu    sync.Mutex
	line  string // on the screen now, and without an end
	shown Status
	begun bool
}

// NewProgress returns a Progress that writes to out.
func NewProgress(out io.Writer, screen Screen) *Progress {
	return &Progress{out: out, screen: screen}
}

// Show replaces the status.
func (p *Progress) Show(s Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.screen.Live {
		p.line = fit(s.String(), p.screen.Width-1)
		p.write("\r" + p.line + "\x1b[K")
		return
	}
	if p.due(s) {
		p.shown, p.begun = s, true
		p.write(strings.TrimRight(s.String(), " ") + "\n")
	}
}

func (p *Progress) due(s Status) bool {
	return !p.begun || s.Variant != p.shown.Variant || s.Phase != p.shown.Phase || s.Elapsed-p.shown.Elapsed >= quiet
}

// Say writes a line that stays, above the status.
func (p *Progress) Say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line == "" {
		p.write(clean(text) + "\n")
		return
	}
	p.write("\r\x1b[K" + clean(text) + "\n" + p.line)
}

// Above returns a writer whose lines come above the status even if w is another file on the same screen, as stderr is.
func (p *Progress) Above(w io.Writer) io.Writer { return above{p, w} }

type above struct {
	p *Progress
	w io.Writer
}

func (a above) Write(text []byte) (int, error) {
	a.p.mu.Lock()
	defer a.p.mu.Unlock()
	if a.p.line != "" {
		a.p.write("\r\x1b[K")
		defer a.p.write(a.p.line)
	}
	return a.w.Write(text)
}

// Done takes the status off a live screen. Show may begin a new one.
func (p *Progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line != "" {
		p.write("\r\x1b[K")
		p.line = ""
	}
}

func (p *Progress) write(text string) { _, _ = io.WriteString(p.out, text) }
