package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean takes out what could move the cursor or hide text: control and formatting characters.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == utf8.RuneError:
			return -1
		}
		return r
	}, text)
}

// fit cuts text to width columns, with an ellipsis where something is missing.
func fit(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	if width < 1 {
		return ""
	}
	return string([]rune(text)[:width-1]) + "…"
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// wrap breaks text between words into lines of at most width columns; a longer word keeps its own line.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// Paragraph returns text in lines that are indented and at most width columns long; with width 0 it stays one line.
func Paragraph(text string, indent, width int) string {
	margin := strings.Repeat(" ", indent)
	lines := []string{text}
	if width > 0 {
		lines = wrap(clean(text), max(20, width-indent))
	}
	return margin + strings.Join(lines, "\n"+margin) + "\n"
}

// A style is an ANSI attribute, by its number.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "1;31"
	green  style = "32"
	yellow style = "33"
)

// A pen writes text in colour, or without.
type pen struct{ color bool }

func (p pen) in(s style, text string) string {
	if !p.color || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}
