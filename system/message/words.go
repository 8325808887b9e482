package message

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/chatlab/chatlab/system/chat"
)

// RefuseWords is a moderation that refuses texts which hold one of the words, whatever their case. It is the simplest
// filler of the hook, not a judge of meaning: a text that is encrypted end to end passes it as any other opaque text does.
func RefuseWords(words []string) func(ctx context.Context, sender chat.ID, content string) error {
	refused := make(map[string]bool, len(words))
	for _, w := range words {
		refused[strings.ToLower(w)] = true
	}
	return func(_ context.Context, _ chat.ID, content string) error {
		for w := range strings.FieldsFuncSeq(content, noLetter) {
			if refused[strings.ToLower(w)] {
				return chat.Errorf(chat.CodeModerated, "the text holds a word that is not taken here")
			}
		}
		return nil
	}
}

func noLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// ParseWords reads a word list: one word a line; empty lines and lines that begin with # are passed over.
func ParseWords(list []byte) (words []string, err error) {
	lines := bufio.NewScanner(bytes.NewReader(list))
	for number := 1; lines.Scan(); number++ {
		w := strings.TrimSpace(lines.Text())
		switch {
		case w == "" || strings.HasPrefix(w, "#"):
		case strings.ContainsFunc(w, noLetter):
			return nil, fmt.Errorf("read words: line %d: %q is no single word of letters and digits", number, w)
		default:
			words = append(words, w)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read words: %w", err)
	}
	return words, nil
}
