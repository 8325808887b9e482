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
//	at 2s kill gateway-1 for 3s
//	when lag > 100 freeze fanout-1 for 10s
//	at 0s latency fanout-*<->gateway-* 1ms
//	at 5s cut message-1->kafka-2 for 5s
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

// Parse reads the text form; empty lines and lines that begin with # are passed over.
func Parse(text string) (Schedule, error) {
	var s Schedule
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		st, err := parseStep(&words{rest: strings.Fields(line)})
		if err != nil {
			return nil, fmt.Errorf("line %d, %q: %w", i+1, line, err)
		}
		s = append(s, st)
	}
	return s, nil
}

// words is what is left of a line.
type words struct {
	rest []string
	done int
}

func (w *words) next(want string) (string, error) {
	if len(w.rest) == 0 {
		return "", fmt.Errorf("ends after word %d: want %s", w.done, want)
	}
	word := w.rest[0]
	w.rest, w.done = w.rest[1:], w.done+1
	return word, nil
}

func (w *words) literal(want string) error {
	got, err := w.next(want)
	if err == nil && got != want {
		err = fmt.Errorf("word %d is %q: want %s", w.done, got, want)
	}
	return err
}

func (w *words) duration(what string) (time.Duration, error) {
	word, err := w.next(what + " such as 2s")
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(word)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("word %d is %q: want %s such as 2s", w.done, word, what)
	}
	return d, nil
}

func parseStep(w *words) (s Step, err error) {
	when, err := w.next("at or when")
	if err != nil {
		return s, err
	}
	switch when {
	case "at":
		s.At, err = w.duration("a time")
	case "when":
		err = s.parseGate(w)
	default:
		err = fmt.Errorf("word 1 is %q: want at or when", when)
	}
	if err == nil {
		s.Fault, err = parseFault(w)
	}
	if err != nil || len(w.rest) == 0 {
		return s, err
	}
	if err := w.literal("for"); err != nil {
		return s, err
	}
	if s.For, err = w.duration("a duration"); err == nil && s.For == 0 {
		err = fmt.Errorf("word %d: a fault lasts longer than 0", w.done)
	}
	if err == nil && len(w.rest) > 0 {
		err = fmt.Errorf("word %d is %q: want the end of the line", w.done+1, w.rest[0])
	}
	return s, err
}

func (s *Step) parseGate(w *words) (err error) {
	if s.Gate, err = w.next("a gauge such as lag"); err != nil {
		return err
	}
	if err := w.literal(">"); err != nil {
		return err
	}
	number, err := w.next("a number")
	if err != nil {
		return err
	}
	if s.Above, err = strconv.ParseFloat(number, 64); err != nil || s.Above != s.Above {
		return fmt.Errorf("word %d is %q: want a number", w.done, number)
	}
	return nil
}

func parseFault(w *words) (Fault, error) {
	verb, err := w.next("kill, freeze, latency or cut")
	if err != nil {
		return nil, err
	}
	subject := func() (string, error) { return w.next("a name such as gateway-1") }
	switch verb {
	case "kill":
		name, err := subject()
		return Kill{name}, err
	case "freeze":
		name, err := subject()
		return Freeze{name}, err
	case "latency":
		from, to, oneWay, err := parseLink(w)
		if err == nil && oneWay {
			err = fmt.Errorf("word %d: latency is both ways, write %s<->%s", w.done, from, to)
		}
		if err != nil {
			return nil, err
		}
		d, err := w.duration("a delay")
		return Latency{from, to, d}, err
	case "cut":
		from, to, oneWay, err := parseLink(w)
		return Cut{from, to, oneWay}, err
	}
	return nil, fmt.Errorf("word %d is %q: want kill, freeze, latency or cut", w.done, verb)
}

func parseLink(w *words) (from, to string, oneWay bool, err error) {
	word, err := w.next("a link such as fanout-1<->gateway-1")
	if err != nil {
		return "", "", false, err
	}
	from, to, ok := strings.Cut(word, "<->")
	if !ok {
		from, to, ok = strings.Cut(word, "->")
		oneWay = true
	}
	if !ok || from == "" || to == "" || strings.Contains(to, "->") {
		return "", "", false, fmt.Errorf("word %d is %q: want a link such as fanout-1<->gateway-1", w.done, word)
	}
	return from, to, oneWay, nil
}
