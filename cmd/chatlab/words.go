package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/chatlab/chatlab/scenarios/environment/embedded"
)

// lastWords collects what a run's pods said last.
type lastWords struct {
	mu  sync.Mutex
	all []embedded.LastWords
}

func (l *lastWords) hear(w embedded.LastWords) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, w)
}

func everybody(embedded.LastWords) bool { return true }

func crashed(w embedded.LastWords) bool { return w.Ended != "" }

// tell prints the words of some pods, in the order of their names.
func (l *lastWords) tell(out io.Writer, of func(embedded.LastWords) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortStableFunc(l.all, func(a, b embedded.LastWords) int { return cmp.Compare(a.Pod, b.Pod) })
	for _, w := range l.all {
		if !of(w) {
			continue
		}
		if w.Ended != "" {
			fmt.Fprintf(out, "%s ended by itself, which no fault asked for: %s\n", w.Pod, w.Ended)
		}
		if w.Log != "" {
			fmt.Fprintf(out, "%s said last:\n    %s\n", w.Pod, strings.ReplaceAll(w.Log, "\n", "\n    "))
		}
	}
}
