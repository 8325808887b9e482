package chaos

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Step is one fault with its time.
type Step struct {
	At    time.Duration // since the workload began, for a timed step
	Gate  Gate          // for a gated step
	For   time.Duration // how long it lasts; 0: until the run ends
	Fault Fault
}

// Schedule is the faults of a run. Its text form has one step a line: when, what, and for how long unless that goes on to the end.
//
//	at 2s kill gateway-1 for 3s
//	when lag > 100 freeze kafka-2 for 10s
//
// Kinds lists what can go wrong. A path names links by patterns of their ends, whichever of them dials: a<->b is both directions,
// a->b only what a says to b.
type Schedule []Step

func (s Schedule) String() string {
	lines := make([]string, len(s))
	for i, st := range s {
		lines[i] = st.String()
	}
	return strings.Join(lines, "\n")
}

func (s Step) String() string {
	text := "at " + s.At.String()
	if s.Gate.Gauge != "" {
		text = "when " + s.Gate.String()
	}
	text += " " + s.Fault.String()
	if s.For > 0 {
		text += " for " + s.For.String()
	}
	return text
}

// Gate opens when a gauge is above a level, or below it.
type Gate struct {
	Gauge string
	Below bool
	Level float64
}

func (g Gate) String() string {
	sign := ">"
	if g.Below {
		sign = "<"
	}
	return fmt.Sprintf("%s %s %s", g.Gauge, sign, strconv.FormatFloat(g.Level, 'g', -1, 64))
}

func (g Gate) opens(value float64) bool {
	if g.Below {
		return value < g.Level
	}
	return value > g.Level
}

// sizes are the units of bytes, largest first.
func sizes() []size {
	return []size{{"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}, {"B", 1}}
}

type size struct {
	unit  string
	bytes int64
}

// formatSize writes a size in the largest unit that loses nothing.
func formatSize(bytes int64) string {
	for _, s := range sizes() {
		if bytes%s.bytes == 0 {
			return strconv.FormatInt(bytes/s.bytes, 10) + s.unit
		}
	}
	return ""
}

func parseSize(text string) (int64, bool) {
	for _, s := range sizes() {
		if number, ok := strings.CutSuffix(text, s.unit); ok {
			n, err := strconv.ParseInt(number, 10, 64)
			return n * s.bytes, err == nil && n > 0 && n <= math.MaxInt64/s.bytes
		}
	}
	return 0, false
}
