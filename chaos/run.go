package chaos

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

const (
	gateEvery  = 100 * time.Millisecond // how often a gate looks at its gauge
	undoAgain  = 200 * time.Millisecond // how long after a failed undo the next try follows
	proveAgain = 50 * time.Millisecond  // how long after a failed probe the next one follows
	probeTakes = 5 * time.Second        // no probe waits longer for its answer
	undoneIn   = 60 * time.Second       // how long undoing may take, and healing after that: a Cassandra node starts for half a minute
)

// Run plays a schedule until every fault has had its time, or until ctx ends; everything is undone then, also after a panic of
// the observer. What a fault broke is probed after its end until it works, and at last the world is asked to prove that it has healed.
// Run returns an error if a fault could not begin or end, or did not heal, but not because ctx ended. A schedule that holds something
// that the world cannot do honestly is refused as a whole. An empty one waits for ctx.
func Run(ctx context.Context, s Schedule, w World, lab Lab) error {
	if err := Playable(s, w, lab); err != nil {
		return err
	}
	if len(s) == 0 {
		<-ctx.Done()
		return nil
	}
	r := &run{World: w, lab: lab, victims: map[string]*victim{}}
	unhurried := context.WithoutCancel(ctx)
	proving, cancel := context.WithCancel(unhurried)
	defer cancel()
	var steps sync.WaitGroup
	for _, step := range s {
		steps.Go(func() { r.step(ctx, proving, step) })
	}
	steps.Wait()
	deadline := time.AfterFunc(undoneIn, cancel)
	defer deadline.Stop()
	r.proofs.Wait() // one that fails lasts to the deadline
	if err := w.Healthy(proving); err != nil && proving.Err() == nil {
		r.fail(fmt.Errorf("prove heal: %w", err))
	}
	return errors.Join(r.errs...)
}

// run is a schedule under way.
type run struct {
	World
	lab    Lab
	proofs sync.WaitGroup

	mu      sync.Mutex
	victims map[string]*victim
	errs    []error
	telling sync.Mutex // the observer sees one event at a time
}

func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

func (r *run) tell(kind EventKind, text string) {
	r.telling.Lock()
	defer r.telling.Unlock()
	r.lab.Observe(Event{kind, text})
}

func (r *run) victim(name string) *victim {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.victims[name] == nil {
		r.victims[name] = &victim{name: name}
	}
	return r.victims[name]
}

// claim asks something of a process until the undo.
func (r *run) claim(ctx context.Context, name string, c *claim) (Undo, error) {
	v := r.victim(name)
	return func(ctx context.Context) error { return v.drop(ctx, r, c) }, v.add(ctx, r, c)
}

// Playable finds all that cannot be played: faults that the world cannot do, links that it lacks, and gates that nobody
// measures.
func Playable(s Schedule, w World, lab Lab) error {
	var errs []error
	for _, step := range s {
		if err := step.playable(w, lab); err != nil {
			errs = append(errs, fmt.Errorf("refuse %s: %w", step.Fault, err))
		}
	}
	return errors.Join(errs...)
}

func (s Step) playable(w World, lab Lab) error {
	if err := w.Available(s.Fault); err != nil {
		return err
	}
	if t := s.Fault.Target(); t.Name == "" {
		if _, err := t.Path.hops(w); err != nil {
			return err
		}
	}
	if gauge := s.Gate.Gauge; gauge != "" && lab.Gauges[gauge] == nil {
		return fmt.Errorf("nobody measures %s here", gauge)
	}
	return nil
}

// recovered makes an error of a panic: what is still to be undone is undone all the same.
func (r *run) recovered(f Fault) {
	if p := recover(); p != nil {
		r.fail(fmt.Errorf("%s: panic: %v\n%s", f, p, debug.Stack()))
	}
}

// step waits for a fault's time, begins it, ends it whatever happens, and has it proved that it healed.
func (r *run) step(ctx, proving context.Context, s Step) {
	defer r.recovered(s.Fault)
	text := s.Fault.String()
	if why := r.wait(ctx, s); why != "" {
		r.tell(Refused, text+": never began: "+why)
		return
	}
	undo, err := s.Fault.begin(ctx, r)
	if undo != nil {
		defer func() {
			if r.undo(ctx, s.Fault, undo); err == nil {
				r.tell(Ended, text)
				r.proofs.Go(func() { r.prove(proving, s.Fault) })
			}
		}()
	}
	if err != nil && ctx.Err() != nil { // an earlier fault of the same process took until then to begin or end
		r.tell(Refused, text+": never began: the run ended before")
		return
	}
	if err != nil {
		r.tell(Refused, text+": "+err.Error())
		if !errors.Is(err, errDown) {
			r.fail(fmt.Errorf("begin %s: %w", text, err))
		}
		return
	}
	r.tell(Begun, text)
	if undo == nil { // it happened, and that was all
		r.tell(Ended, text)
		r.proofs.Go(func() { r.prove(proving, s.Fault) })
		return
	}
	s.last(ctx)
}

// undo ends a fault, also when ctx has ended, and tries again until it is ended.
func (r *run) undo(ctx context.Context, f Fault, undo Undo) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoneIn)
	defer cancel()
	for {
		err := undo(ctx)
		if err == nil {
			return
		}
		if !sleep(ctx, undoAgain) {
			r.fail(fmt.Errorf("end %s: %w", f, err))
			return
		}
	}
}

// prove probes what a fault broke until it works. While other faults hold it down that is after their end.
func (r *run) prove(ctx context.Context, f Fault) {
	defer r.recovered(f)
	for {
		try, cancel := context.WithTimeout(ctx, probeTakes)
		err := f.Target().prove(try, r.World)
		cancel()
		if err == nil {
			r.tell(Healed, f.String())
			return
		}
		if !sleep(ctx, proveAgain) {
			r.fail(fmt.Errorf("prove heal of %s: %w", f, err))
			return
		}
	}
}

// wait returns when the fault's time has come, or why it never came.
func (r *run) wait(ctx context.Context, s Step) (why string) {
	if s.Gate.Gauge == "" {
		if !sleep(ctx, s.At) {
			return "the run ended before"
		}
		return ""
	}
	for {
		value, err := r.lab.Gauges[s.Gate.Gauge](ctx)
		if err == nil && s.Gate.opens(value) {
			return ""
		}
		why = fmt.Sprintf("%s was %g at last", s.Gate.Gauge, value)
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
