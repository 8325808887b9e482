package pod

import (
	"strings"
	"sync"
)

const (
	maxTail  = 64 << 10 // bytes that are kept of a pod's log
	lastWord = 10       // lines of it that are told
	maxCrash = 30       // lines that are told of a panic, whose cause stands first
)

// tail keeps the end of what was written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - maxTail; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

// String is what matters of it: the beginning of a panic, else the last lines.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.buf)), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			return strings.Join(lines[i:min(i+maxCrash, len(lines))], "\n")
		}
	}
	return strings.Join(lines[max(0, len(lines)-lastWord):], "\n")
}
