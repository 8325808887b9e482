package cql

import (
	"strings"
)

// kind tells what a token is.
type kind uint8

const (
	end kind = iota
	word
	quotedWord
	text
	integer
	decimal
	uuid
	blob
	symbol
	broken
)

// token is a piece of a statement: words are in lower case, quotes are removed.
type token struct {
	kind kind
	text string
	at   int // byte offset in the statement
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}
func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// lexer cuts a statement into tokens.
type lexer struct {
	in string
	at int
}

func (l *lexer) next() token {
	l.skipBlank()
	start := l.at
	if start == len(l.in) {
		return token{kind: end, at: start}
	}
	k, s := l.scan()
	return token{kind: k, text: s, at: start}
}

func (l *lexer) scan() (kind, string) {
	rest := l.in[l.at:]
	c := rest[0]
	switch {
	case c == '\'':
		return l.quoted(text)
	case c == '"':
		return l.quoted(quotedWord)
	case hasUUID(rest):
		return uuid, l.take(36)
	case strings.HasPrefix(rest, "0x"), strings.HasPrefix(rest, "0X"):
		return blob, l.take(2 + span(rest[2:], isHex))[2:]
	case isDigit(c), c == '-' && len(rest) > 1 && isDigit(rest[1]):
		return l.number(rest)
	case isLetter(c):
		return word, strings.ToLower(l.take(span(rest, func(c byte) bool { return isLetter(c) || isDigit(c) })))
	case len(rest) > 1 && rest[1] == '=' && strings.IndexByte("<>!", c) >= 0:
		return symbol, l.take(2)
	}
	return symbol, l.take(1)
}

func (l *lexer) take(n int) string {
	l.at += n
	return l.in[l.at-n : l.at]
}

// quoted reads up to the closing quote; a quote inside is written twice.
func (l *lexer) quoted(k kind) (kind, string) {
	quote := l.in[l.at : l.at+1]
	for i := l.at + 1; ; i++ {
		n := strings.Index(l.in[i:], quote)
		if n < 0 {
			return broken, l.take(len(l.in) - l.at)
		}
		if i += n; !strings.HasPrefix(l.in[i+1:], quote) {
			s := l.take(i + 1 - l.at)
			return k, strings.ReplaceAll(s[1:len(s)-1], quote+quote, quote)
		}
		i++
	}
}

func (l *lexer) number(rest string) (kind, string) {
	n := 1 + span(rest[1:], isDigit)
	k := integer
	if n+1 < len(rest) && rest[n] == '.' && isDigit(rest[n+1]) {
		k = decimal
		n += 1 + span(rest[n+1:], isDigit)
	}
	if m := exponent(rest[n:]); m > 0 {
		k = decimal
		n += m
	}
	return k, l.take(n)
}

func exponent(s string) int {
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return 0
	}
	n := 1
	if n < len(s) && (s[n] == '-' || s[n] == '+') {
		n++
	}
	digits := span(s[n:], isDigit)
	if digits == 0 {
		return 0
	}
	return n + digits
}

// skipBlank passes over white space and comments.
func (l *lexer) skipBlank() {
	for l.at < len(l.in) {
		rest := l.in[l.at:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			l.at++
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "//"):
			l.at += past(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			l.at += past(rest, "*/")
		default:
			return
		}
	}
}

func past(s, what string) int {
	if n := strings.Index(s, what); n >= 0 {
		return n + len(what)
	}
	return len(s)
}

func span(s string, is func(byte) bool) int {
	n := 0
	for n < len(s) && is(s[n]) {
		n++
	}
	return n
}

func hasUUID(s string) bool {
	if len(s) < 36 || len(s) > 36 && (isLetter(s[36]) || isDigit(s[36])) {
		return false
	}
	for i := range 36 {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
		} else if !isHex(s[i]) {
			return false
		}
	}
	return true
}
