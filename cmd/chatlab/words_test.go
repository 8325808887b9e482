package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/chatlab/chatlab/scenarios/environment/embedded"
)

func TestLastWords(t *testing.T) {
	l := &lastWords{}
	l.hear(embedded.LastWords{Pod: "message-1", Log: "panic: no\ngoroutine 1", Crashed: true})
	l.hear(embedded.LastWords{Pod: "edge-1", Log: "level=WARN"})
	var all, some strings.Builder
	l.tell(&all, everybody)
	l.tell(&some, crashed)
	crash := "message-1 ended by itself, which no fault asked for; it said last:\n    panic: no\n    goroutine 1\n"
	assert.Equal(t, "edge-1 said last:\n    level=WARN\n"+crash, all.String())
	assert.Equal(t, crash, some.String())
}
