package chaos

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ParseError says where a schedule's text is wrong, and what would be right.
type ParseError struct {
	Line, Column int    // both from 1; the column in characters
	Got          string // empty at the end of a line
	Want         string
}

func (e *ParseError) Error() string {
	got := strconv.Quote(e.Got)
	if e.Got == "" {
		got = "the end of the line"
	}
	return fmt.Sprintf("line %d, column %d: found %s, expected %s", e.Line, e.Column, got, e.Want)
}

// Parse reads the text form; empty lines and lines that begin with # are passed over.
func Parse(text string) (Schedule, error) {
	var s Schedule
	for i, line := range strings.Split(text, "\n") {
		words := split(i+1, line)
		if len(words.rest) == 0 || strings.HasPrefix(words.rest[0].text, "#") {
			continue
		}
		step, err := parseStep(words)
		if err != nil {
			return nil, err
		}
		s = append(s, step)
	}
	return s, nil
}

// words is what is left of a line.
type words struct {
	line, end int // end is the column behind the last word
	rest      []word
}

type word struct {
	text   string
	column int
}

func split(number int, line string) *words {
	w := &words{line: number, end: 1}
	rest := line
	for _, text := range strings.Fields(line) {
		at := strings.Index(rest, text)
		column := w.end + utf8.RuneCountInString(rest[:at])
		w.rest = append(w.rest, word{text, column})
		rest = rest[at+len(text):]
		w.end = column + utf8.RuneCountInString(text)
	}
	return w
}

// next takes the next word; a missing one is an error that says what was expected.
func (w *words) next(want string) (word, error) {
	if len(w.rest) == 0 {
		return word{}, w.wrong(word{column: w.end}, want)
	}
	first := w.rest[0]
	w.rest = w.rest[1:]
	return first, nil
}

func (w *words) wrong(found word, want string) error {
	return &ParseError{Line: w.line, Column: found.column, Got: found.text, Want: want}
}

// parsed takes the next word and gives it to a function that tells whether it can be read.
func parsed[T any](w *words, want string, read func(string) (T, bool)) (value T, err error) {
	found, err := w.next(want)
	if err != nil {
		return value, err
	}
	value, ok := read(found.text)
	if !ok {
		err = w.wrong(found, want)
	}
	return value, err
}

func (w *words) literal(want string) error {
	_, err := parsed(w, want, func(text string) (string, bool) { return text, text == want })
	return err
}

func (w *words) duration(what string, shortest time.Duration) (time.Duration, error) {
	return parsed(w, what+" such as 2s", func(text string) (time.Duration, bool) {
		d, err := time.ParseDuration(text)
		return d, err == nil && d >= shortest
	})
}

func (w *words) name(what string) (string, error) {
	return parsed(w, what, func(text string) (string, bool) { return text, isName(text) })
}

// isName accepts what ends are called, and patterns of it.
func isName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:*?", r)
	})
}

func parseStep(w *words) (s Step, err error) {
	when, err := parsed(w, "at or when", func(text string) (string, bool) { return text, text == "at" || text == "when" })
	if err != nil {
		return s, err
	}
	if when == "at" {
		s.At, err = w.duration("a time", 0)
	} else {
		err = s.parseGate(w)
	}
	if err != nil {
		return s, err
	}
	if s.Fault, err = parseFault(w); err != nil {
		return s, err
	}
	return s, s.parseEnd(w)
}

// parseEnd reads how long the fault lasts, if that is said.
func (s *Step) parseEnd(w *words) (err error) {
	if len(w.rest) == 0 {
		return nil
	}
	if why := ends(s.Fault); why != "" {
		return w.wrong(w.rest[0], "the end of the line, for "+why)
	}
	if err := w.literal("for"); err != nil {
		return err
	}
	if s.For, err = w.duration("a duration", 1); err != nil {
		return err
	}
	if len(w.rest) > 0 {
		return w.wrong(w.rest[0], "the end of the line")
	}
	return nil
}

func (s *Step) parseGate(w *words) (err error) {
	if s.Gate, err = w.name("a gauge such as lag"); err != nil {
		return err
	}
	if err = w.literal(">"); err != nil {
		return err
	}
	s.Above, err = parsed(w, "a number such as 100", func(text string) (float64, bool) {
		v, err := strconv.ParseFloat(text, 64)
		return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
	})
	return err
}

func parseFault(w *words) (Fault, error) {
	const verbs = "kill, restart, drain, freeze, latency, bandwidth, cut, refuse or reset"
	verb, err := w.next(verbs)
	if err != nil {
		return nil, err
	}
	switch verb.text {
	case "kill", "restart", "freeze":
		name, err := w.name("a name such as gateway-1")
		return map[string]Fault{"kill": Kill{name}, "restart": Restart{name}, "freeze": Freeze{name}}[verb.text], err
	case "drain":
		return parseDrain(w)
	case "cut":
		path, err := parsePath(w)
		return Cut{path}, err
	case "refuse", "reset":
		path, err := parseWholePath(w)
		return map[string]Fault{"refuse": Refuse{path}, "reset": Reset{path}}[verb.text], err
	case "latency":
		return parseLatency(w)
	case "bandwidth":
		return parseBandwidth(w)
	}
	return nil, w.wrong(verb, verbs)
}

func parseDrain(w *words) (f Drain, err error) {
	if f.Name, err = w.name("a name such as gateway-1"); err != nil {
		return f, err
	}
	if err = w.literal("over"); err != nil {
		return f, err
	}
	f.Over, err = w.duration("a time", 1)
	return f, err
}

func parsePath(w *words) (Path, error) {
	return parsed(w, "a path such as fanout-1<->gateway-1 or fanout-1->gateway-1", func(text string) (p Path, ok bool) {
		if p.From, p.To, ok = strings.Cut(text, "<->"); !ok {
			p.From, p.To, ok = strings.Cut(text, "->")
			p.OneWay = true
		}
		return p, ok && isName(p.From) && isName(p.To)
	})
}

// parseWholePath reads a path of a fault that has no direction.
func parseWholePath(w *words) (Path, error) {
	return parsed(w, "a path both ways such as fanout-1<->gateway-1", func(text string) (p Path, ok bool) {
		p.From, p.To, ok = strings.Cut(text, "<->")
		return p, ok && isName(p.From) && isName(p.To)
	})
}

func parseLatency(w *words) (f Latency, err error) {
	if f.Path, err = parsePath(w); err != nil {
		return f, err
	}
	if f.Delay, err = w.duration("a delay", 0); err != nil {
		return f, err
	}
	if len(w.rest) > 0 && w.rest[0].text == "jitter" {
		w.rest = w.rest[1:]
		f.Jitter, err = w.duration("a jitter", 1)
	}
	return f, err
}

func parseBandwidth(w *words) (f Bandwidth, err error) {
	if f.Path, err = parseWholePath(w); err != nil {
		return f, err
	}
	f.BytesPerSecond, err = parsed(w, "a rate such as 64KB/s", parseRate)
	return f, err
}

func parseRate(text string) (int64, bool) {
	for _, r := range rates() {
		if number, ok := strings.CutSuffix(text, r.unit); ok {
			n, err := strconv.ParseInt(number, 10, 64)
			return n * r.bytes, err == nil && n > 0 && n <= math.MaxInt64/r.bytes
		}
	}
	return 0, false
}
