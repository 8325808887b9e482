package chaos

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// EventKind says what a trace event tells.
type EventKind int

// The kinds of trace events.
const (
	Begun EventKind = iota
	Ended
	Refused // this world cannot do the fault, it failed to begin, or its time never came
)

func (k EventKind) String() string { return [...]string{"begun", "ended", "refused"}[k] }

// Event is one trace of a fault.
type Event struct {
	Kind EventKind
	Text string // the fault's text form; of a refusal also why
}

const (
	gateEvery = 100 * time.Millisecond // how often a gate looks at its gauge
	undoAgain = 200 * time.Millisecond // how long after a failed undo the next try follows
	undoneIn  = 30 * time.Second       // how long undoing and healing may take
)

// Run plays a schedule until every fault has had its time, or until ctx ends; everything is undone then, also after a panic of
// observe, and the world is asked to prove that it has healed. It returns an error if a fault could not begin or end, or if the
// world is not healthy afterwards, but not because ctx ended. A schedule that holds something the world cannot do honestly is
// refused as a whole. An empty one waits for ctx.
func Run(ctx context.Context, s Schedule, w World, observe func(Event)) error {
	r := &run{World: w, observe: observe, down: map[string]bool{}}
	if err := r.refuse(s); err != nil {
		return err
	}
	if len(s) == 0 {
		<-ctx.Done()
		return nil
	}
	var steps sync.WaitGroup
	errs := make([]error, len(s), len(s)+1)
	for i, step := range s {
		steps.Go(func() { errs[i] = r.step(ctx, step) })
	}
	steps.Wait()
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoneIn)
	defer cancel()
	if err := w.Healthy(undo); err != nil {
		errs = append(errs, fmt.Errorf("prove heal: %w", err))
	}
	return errors.Join(errs...)
}

// run is a schedule under way: the world as the faults see it, with a memory of who was killed.
type run struct {
	World
	observe func(Event)

	mu      sync.Mutex
	down    map[string]bool
	telling sync.Mutex // observe sees one event at a time
}

func (r *run) refuse(s Schedule) error {
	var refused []error
	for _, step := range s {
		if err := r.Available(step.Fault); err != nil {
			r.tell(Refused, step.Fault.String()+": "+err.Error())
			refused = append(refused, fmt.Errorf("refuse %s: %w", step.Fault, err))
		}
	}
	return errors.Join(refused...)
}

func (r *run) tell(kind EventKind, text string) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.observe(Event{kind, text})
}

// Kill remembers the victim, so that Restart knows that it is down.
func (r *run) Kill(ctx context.Context, name string) error {
	return r.remember(name, true, r.World.Kill(ctx, name))
}

// Stop remembers who was ended.
func (r *run) Stop(ctx context.Context, name string) error {
	return r.remember(name, true, r.World.Stop(ctx, name))
}

// Start forgets the victim.
func (r *run) Start(ctx context.Context, name string) error {
	return r.remember(name, false, r.World.Start(ctx, name))
}

func (r *run) remember(name string, down bool, err error) error {
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.down[name] = down
	}
	return err
}

func (r *run) isDown(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.down[name]
}

// step waits for a fault's time, begins it, and ends it whatever happens.
func (r *run) step(ctx context.Context, s Step) (err error) {
	text := s.Fault.String()
	defer func() {
		if p := recover(); p != nil {
			err = errors.Join(err, fmt.Errorf("%s: panic: %v\n%s", text, p, debug.Stack()))
		}
	}()
	if why := r.wait(ctx, s); why != "" {
		r.tell(Refused, text+": never began: "+why)
		return nil
	}
	undo, err := s.Fault.Begin(ctx, r)
	if undo != nil {
		defer func() { err = errors.Join(err, r.undo(ctx, text, undo)) }()
	}
	if err != nil {
		r.tell(Refused, text+": "+err.Error())
		return fmt.Errorf("begin %s: %w", text, err)
	}
	r.tell(Begun, text)
	if undo == nil { // it happened, and that was all
		r.tell(Ended, text)
		return nil
	}
	s.last(ctx)
	return nil
}

// undo ends a fault, also when ctx has ended, and tries again until it is ended.
func (r *run) undo(ctx context.Context, text string, undo Undo) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoneIn)
	defer cancel()
	for {
		err := undo(ctx)
		if err == nil {
			r.tell(Ended, text)
			return nil
		}
		if !sleep(ctx, undoAgain) {
			return fmt.Errorf("end %s: %w", text, err)
		}
	}
}

// wait returns when the fault's time has come, or why it never came.
func (r *run) wait(ctx context.Context, s Step) (why string) {
	if s.Gate == "" {
		if !sleep(ctx, s.At) {
			return "the run ended before"
		}
		return ""
	}
	for {
		value, err := r.Gauge(ctx, s.Gate)
		if err == nil && value > s.Above {
			return ""
		}
		why = fmt.Sprintf("%s was %g at last", s.Gate, value)
		if err != nil {
			why = err.Error()
		}
		if !sleep(ctx, gateEvery) {
			return why
		}
	}
}

func (s Step) last(ctx context.Context) {
	length := s.For
	if d, ok := s.Fault.(Drain); ok {
		length = d.Over
	}
	if length == 0 {
		<-ctx.Done()
		return
	}
	sleep(ctx, length)
}

// sleep returns false if ctx ended first.
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
