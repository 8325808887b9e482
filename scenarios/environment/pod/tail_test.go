package pod

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTailIsTheEnd(t *testing.T) {
	log := &tail{}
	assert.Empty(t, log.String())
	for i := range 20_000 {
		fmt.Fprintf(log, "line %d\n", i)
	}
	assert.LessOrEqual(t, len(log.buf), maxTail)
	lines := strings.Split(log.String(), "\n")
	assert.Len(t, lines, lastWord)
	assert.Equal(t, "line 19999", lines[lastWord-1])
}

func TestTailOfACrashBeginsWithItsCause(t *testing.T) {
	log := &tail{}
	fmt.Fprint(log, "level=WARN\npanic: nil map\n\ngoroutine 7 [running]:\n"+strings.Repeat("frame\n", 100))
	assert.True(t, strings.HasPrefix(log.String(), "panic: nil map\n\ngoroutine 7"))
	assert.Len(t, strings.Split(log.String(), "\n"), maxCrash)
}
