package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kill crashes a process. Undoing it starts the victim again.
type Kill struct{ Name string }

func (f Kill) String() string { return "kill " + f.Name }

// Target is the process.
func (f Kill) Target() Target { return Target{Name: f.Name} }

func (f Kill) begin(ctx context.Context, r *run) (Undo, error) {
	return r.claim(ctx, f.Name, &claim{state: state{down: true}, end: r.Kill})
}

// Stop ends a process in order. Undoing it starts the victim again.
type Stop struct{ Name string }

func (f Stop) String() string { return "stop " + f.Name }

// Target is the process.
func (f Stop) Target() Target { return Target{Name: f.Name} }

func (f Stop) begin(ctx context.Context, r *run) (Undo, error) {
	return r.claim(ctx, f.Name, &claim{state: state{down: true}, end: r.Stop})
}

// Restart brings back what earlier faults ended; what runs is killed first.
type Restart struct{ Name string }

func (f Restart) String() string { return "restart " + f.Name }

// Target is the process.
func (f Restart) Target() Target { return Target{Name: f.Name} }

// begin leaves an undo only if the victim does not come back.
func (f Restart) begin(ctx context.Context, r *run) (Undo, error) {
	v := r.victim(f.Name)
	err := v.restart(ctx, r)
	if err == nil {
		return nil, nil
	}
	return func(ctx context.Context) error { return v.change(ctx, r, func() {}) }, err
}

// Drain replaces a pod as a deploy does: it lets its sockets go over a time, ends, and another comes in its place.
type Drain struct {
	Name string
	Over time.Duration
}

func (f Drain) String() string { return fmt.Sprintf("drain %s over %s", f.Name, f.Over) }

// Target is the process.
func (f Drain) Target() Target { return Target{Name: f.Name} }

// errDown says that a fault found nothing to act on. That is told, and is no failure of the run.
var errDown = errors.New("nothing runs there")

// begin drains. Undoing it, when the time is over, replaces the pod.
func (f Drain) begin(ctx context.Context, r *run) (Undo, error) {
	v := r.victim(f.Name)
	if v.isDown() {
		return nil, errDown
	}
	if err := r.Drain(ctx, f.Name, f.Over); err != nil {
		return nil, err
	}
	c := &claim{state: state{down: true}, end: r.Stop}
	return func(ctx context.Context) error {
		if err := v.add(ctx, r, c); err != nil {
			return err
		}
		return v.drop(ctx, r, c)
	}, nil
}

// Freeze stops a process without ending it.
type Freeze struct{ Name string }

func (f Freeze) String() string { return "freeze " + f.Name }

// Target is the process.
func (f Freeze) Target() Target { return Target{Name: f.Name} }

func (f Freeze) begin(ctx context.Context, r *run) (Undo, error) {
	return r.claim(ctx, f.Name, &claim{state: state{frozen: true}})
}

// Skew makes a pod's wall clock wrong.
type Skew struct {
	Name string
	By   time.Duration
}

func (f Skew) String() string { return fmt.Sprintf("skew %s %s", f.Name, f.By) }

// Target is the process.
func (f Skew) Target() Target { return Target{Name: f.Name} }

func (f Skew) begin(ctx context.Context, r *run) (Undo, error) {
	return r.claim(ctx, f.Name, &claim{state: state{shift: f.By}})
}

// Memory bounds what a process may hold; one that holds more is killed, and comes back when the fault ends.
type Memory struct {
	Name  string
	Bytes int64
}

func (f Memory) String() string { return fmt.Sprintf("memory %s %s", f.Name, formatSize(f.Bytes)) }

// Target is the process.
func (f Memory) Target() Target { return Target{Name: f.Name} }

func (f Memory) begin(ctx context.Context, r *run) (Undo, error) {
	return r.claim(ctx, f.Name, &claim{state: state{limit: f.Bytes}, told: func(held int64) {
		defer r.recovered(f)
		r.tell(Noted, fmt.Sprintf("%s: killed, for it held %d KB", f, held>>10))
	}})
}

// Evict drops a share of the keys that a Redis holds, once.
type Evict struct {
	Name    string
	Percent int
}

func (f Evict) String() string { return fmt.Sprintf("evict %s %d%%", f.Name, f.Percent) }

// Target is the process.
func (f Evict) Target() Target { return Target{Name: f.Name} }

func (f Evict) begin(ctx context.Context, r *run) (Undo, error) {
	if r.victim(f.Name).isDown() {
		return nil, errDown
	}
	return nil, r.Evict(ctx, f.Name, f.Percent)
}
