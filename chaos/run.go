package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// EventKind says what a trace event tells.
type EventKind int

// The kinds of trace events.
const (
	Begun EventKind = iota
	Ended
	Refused // this world cannot do the fault, or it failed to begin
)

// Event is one trace of a fault.
type Event struct {
	Kind EventKind
	Text string // the fault's text form; of a refusal also why
}

const (
	gateEvery = 100 * time.Millisecond // how often a gate looks at its gauge
	undoneIn  = 30 * time.Second       // how long undoing and healing may take
)

// Run plays a schedule until ctx ends and every fault is undone: also then, also after a panic. It returns an error
// if a fault could not begin or end, or if the world is not healthy afterwards.
func Run(ctx context.Context, s Schedule, w World, observe func(Event)) error {
	for _, st := range s {
		if err := w.Available(st.Fault); err != nil {
			observe(Event{Refused, st.Fault.String() + ": " + err.Error()})
			return fmt.Errorf("%s: %w", st.Fault, err)
		}
	}
	if len(s) == 0 {
		<-ctx.Done()
		return nil
	}
	var wg sync.WaitGroup
	errs := make([]error, len(s))
	for i, st := range s {
		wg.Go(func() { errs[i] = st.run(ctx, w, observe) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoneIn)
	defer cancel()
	if err := w.Healthy(undo); err != nil {
		return fmt.Errorf("prove heal: %w", err)
	}
	return nil
}

func (s Step) run(ctx context.Context, w World, observe func(Event)) error {
	if !s.wait(ctx, w) {
		return nil
	}
	text := s.Fault.String()
	if err := s.Fault.Begin(ctx, w); err != nil {
		observe(Event{Refused, text + ": " + err.Error()})
		return fmt.Errorf("begin %s: %w", text, err)
	}
	observe(Event{Begun, text})
	s.last(ctx)
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoneIn)
	defer cancel()
	if err := s.Fault.End(undo, w); err != nil {
		return fmt.Errorf("end %s: %w", text, err)
	}
	observe(Event{Ended, text})
	return nil
}

// wait returns true when the fault's time has come.
func (s Step) wait(ctx context.Context, w World) bool {
	if s.Gate == "" {
		return sleep(ctx, s.At)
	}
	for {
		if v, err := w.Gauge(ctx, s.Gate); err == nil && v > s.Above {
			return true
		}
		if !sleep(ctx, gateEvery) {
			return false
		}
	}
}

func (s Step) last(ctx context.Context) {
	if s.For == 0 {
		<-ctx.Done()
		return
	}
	sleep(ctx, s.For)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
