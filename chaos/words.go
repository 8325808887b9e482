package chaos

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

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

// oneOf takes the next word if it is one of those.
func (w *words) oneOf(these ...string) (string, error) {
	return parsed(w, choice(these), func(text string) (string, bool) { return text, slices.Contains(these, text) })
}

// choice says: a, b or c.
func choice(these []string) string {
	last := len(these) - 1
	if last < 1 {
		return strings.Join(these, "")
	}
	return strings.Join(these[:last], ", ") + " or " + these[last]
}

func (w *words) literal(want string) error {
	_, err := w.oneOf(want)
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
