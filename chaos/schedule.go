package chaos

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Step is one fault with its time.
type Step struct {
	At    time.Duration // since the workload began, for a timed step
	Gate  string        // name of a gauge, for a gated step
	Above float64       // the gauge's threshold
	For   time.Duration // how long it lasts; 0: until the run ends
	Fault Fault
}

// Schedule is the faults of a run. Its text form has one step a line:
//
//	at 2s kill gateway-1
//	at 5s restart gateway-1
//	at 2s kill message-1 for 3s
//	at 3s drain gateway-1 over 5s
//	when lag > 100 freeze fanout-1 for 10s
//	at 0s latency fanout-*<->gateway-* 1ms jitter 500µs
//	at 0s bandwidth gateway-1<->clients 64KB/s
//	at 5s cut message-1->kafka-2 for 5s
//	at 5s refuse fanout-1<->redis-presence for 5s
//	at 5s reset *<->kafka-1
//
// A path names links by patterns of their ends, whichever of them dials: a<->b is both directions, a->b only what a says to b.
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
	if s.Gate != "" {
		text = fmt.Sprintf("when %s > %s", s.Gate, strconv.FormatFloat(s.Above, 'g', -1, 64))
	}
	text += " " + s.Fault.String()
	if s.For > 0 {
		text += " for " + s.For.String()
	}
	return text
}

// rates are the units of bandwidth, largest first.
func rates() []rate {
	return []rate{{"MB/s", 1 << 20}, {"KB/s", 1 << 10}, {"B/s", 1}}
}

type rate struct {
	unit  string
	bytes int64
}

func formatRate(bytesPerSecond int64) string {
	for _, r := range rates() {
		if bytesPerSecond%r.bytes == 0 {
			return strconv.FormatInt(bytesPerSecond/r.bytes, 10) + r.unit
		}
	}
	return ""
}
