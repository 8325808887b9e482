package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/chatlab/chatlab/scenarios/environment/deployment"
)

func TestLastWords(t *testing.T) {
	l := &lastWords{}
	l.hear(deployment.LastWords{Pod: "message-1", Log: "panic: no\ngoroutine 1", Ended: "exit status 2"})
	l.hear(deployment.LastWords{Pod: "edge-1", Log: "level=WARN"})
	l.hear(deployment.LastWords{Pod: "presence-1", Ended: "signal: killed"})
	var all, some strings.Builder
	l.tell(&all, everybody)
	l.tell(&some, crashed)
	crash := "message-1 ended by itself, which no fault asked for: exit status 2\nmessage-1 said last:\n    panic: no\n    goroutine 1\n" +
		"presence-1 ended by itself, which no fault asked for: signal: killed\n"
	assert.Equal(t, "edge-1 said last:\n    level=WARN\n"+crash, all.String())
	assert.Equal(t, crash, some.String())
}
