package chaos

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
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

func parseStep(w *words) (s Step, err error) {
	when, err := w.oneOf("at", "when")
	if err != nil {
		return s, err
	}
	if when == "at" {
		s.At, err = w.duration("a time", 0)
	} else {
		s.Gate, err = parseGate(w)
	}
	if err != nil {
		return s, err
	}
	kind, err := parseKind(w)
	if err != nil {
		return s, err
	}
	if s.Fault, err = kind.read(w); err != nil {
		return s, err
	}
	s.For, err = parseEnd(w, kind)
	return s, err
}

// parseEnd reads how long the fault lasts, if that is said.
func parseEnd(w *words, k Kind) (length time.Duration, err error) {
	if len(w.rest) == 0 {
		return 0, nil
	}
	if k.Ends != "" {
		return 0, w.wrong(w.rest[0], "the end of the line, for "+k.Ends)
	}
	if err := w.literal("for"); err != nil {
		return 0, err
	}
	if length, err = w.duration("a duration", 1); err != nil {
		return 0, err
	}
	if len(w.rest) > 0 {
		return 0, w.wrong(w.rest[0], "the end of the line")
	}
	return length, nil
}

func parseGate(w *words) (g Gate, err error) {
	var names []string
	for _, known := range Gauges() {
		names = append(names, known.Name)
	}
	if g.Gauge, err = w.oneOf(names...); err != nil {
		return g, err
	}
	sign, err := w.oneOf(">", "<")
	if err != nil {
		return g, err
	}
	g.Below = sign == "<"
	g.Level, err = parsed(w, "a number such as 100", func(text string) (float64, bool) {
		v, err := strconv.ParseFloat(text, 64)
		return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
	})
	return g, err
}

func parseKind(w *words) (Kind, error) {
	var verbs []string
	for _, k := range Kinds() {
		verbs = append(verbs, k.Verb)
	}
	verb, err := w.oneOf(verbs...)
	return kindOf(verb), err
}
