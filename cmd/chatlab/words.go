package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/chatlab/chatlab/scenarios/environment/deployment"
)

// lastWords collects what a run's pods said last.
type lastWords struct {
	mu  sync.Mutex
	all []deployment.LastWords
}

func (l *lastWords) hear(w deployment.LastWords) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, w)
}

// forget begins a new run.
func (l *lastWords) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = nil
}

func everybody(deployment.LastWords) bool { return true }

func crashed(w deployment.LastWords) bool { return w.Ended != "" }

// tell prints the words of some pods, in the order of their names.
func (l *lastWords) tell(out io.Writer, of func(deployment.LastWords) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortStableFunc(l.all, func(a, b deployment.LastWords) int { return cmp.Compare(a.Pod, b.Pod) })
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
