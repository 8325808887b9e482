// Package chaos holds faults as printable values, their schedule, and the run that undoes them for certain.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/chaos/relay"
)

// World is what faults act on; an environment implements it. Its methods are called from several goroutines.
type World interface {
	// Kill crashes a pod or node; Start brings it back, and does nothing if it runs.
	Kill(ctx context.Context, name string) error
	Start(ctx context.Context, name string) error
	// Drain asks a pod to let its sockets go over a time and returns at once. Stop ends a pod in order.
	Drain(ctx context.Context, name string, over time.Duration) error
	Stop(ctx context.Context, name string) error
	// Freeze stops a process as a long pause would; Thaw lets it go on.
	Freeze(ctx context.Context, name string) error
	Thaw(ctx context.Context, name string) error
	// Links lists the links whose ends match two patterns such as fanout-*, from the end that dials.
	Links(from, to string) []*relay.Link
	// Gauge answers a measure that a gated fault waits for, such as lag.
	Gauge(ctx context.Context, name string) (float64, error)
	// Available says why this world cannot do a fault honestly; nil if it can.
	Available(Fault) error
	// Healthy returns nil when everything works again.
	Healthy(ctx context.Context) error
}

// Fault is something that goes wrong. Its String is its text form.
type Fault interface {
	String() string
	// Begin makes it go wrong. What has to be undone is returned also with an error; it is nil if nothing has.
	Begin(context.Context, World) (Undo, error)
}

// Undo ends a fault. It is called again if it fails.
type Undo func(context.Context) error

// Kill crashes a pod or node. Undoing it starts the victim again.
type Kill struct{ Name string }

func (f Kill) String() string { return "kill " + f.Name }

// Begin kills.
func (f Kill) Begin(ctx context.Context, w World) (Undo, error) {
	if err := w.Kill(ctx, f.Name); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return w.Start(ctx, f.Name) }, nil
}

// Restart brings back what an earlier fault killed; what runs is killed first.
type Restart struct{ Name string }

func (f Restart) String() string { return "restart " + f.Name }

// Begin starts, or kills and starts. An undo is left only if the victim does not come back.
func (f Restart) Begin(ctx context.Context, w World) (Undo, error) {
	if r, ok := w.(*run); !ok || !r.isDown(f.Name) {
		if err := w.Kill(ctx, f.Name); err != nil {
			return nil, err
		}
	}
	start := func(ctx context.Context) error { return w.Start(ctx, f.Name) }
	if err := start(ctx); err != nil {
		return start, err
	}
	return nil, nil
}

// Drain replaces a pod as a deploy does: it lets its sockets go over a time, ends, and another comes in its place.
type Drain struct {
	Name string
	Over time.Duration
}

func (f Drain) String() string { return fmt.Sprintf("drain %s over %s", f.Name, f.Over) }

// Begin drains. Undoing it, when the time is over, replaces the pod.
func (f Drain) Begin(ctx context.Context, w World) (Undo, error) {
	if err := w.Drain(ctx, f.Name, f.Over); err != nil {
		return nil, err
	}
	stopped := false
	return func(ctx context.Context) error {
		if !stopped {
			if err := w.Stop(ctx, f.Name); err != nil {
				return err
			}
			stopped = true
		}
		return w.Start(ctx, f.Name)
	}, nil
}

// Freeze stops a process without ending it.
type Freeze struct{ Name string }

func (f Freeze) String() string { return "freeze " + f.Name }

// Begin freezes.
func (f Freeze) Begin(ctx context.Context, w World) (Undo, error) {
	if err := w.Freeze(ctx, f.Name); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return w.Thaw(ctx, f.Name) }, nil
}

// Latency delays every byte on a path, plus a share of Jitter.
type Latency struct {
	Path
	Delay, Jitter time.Duration
}

func (f Latency) String() string {
	text := fmt.Sprintf("latency %s %s", f.Path, f.Delay)
	if f.Jitter > 0 {
		text += " jitter " + f.Jitter.String()
	}
	return text
}

// Begin delays. Jitter is always both ways.
func (f Latency) Begin(_ context.Context, w World) (Undo, error) {
	return f.impose(w, func(d relay.Direction) relay.Fault {
		fault := relay.Fault{Jitter: f.Jitter}
		if d != relay.Backward {
			fault.ForwardLatency = f.Delay
		}
		if d != relay.Forward {
			fault.BackwardLatency = f.Delay
		}
		return fault
	})
}

// Bandwidth limits each link of a path, both ways, its connections together.
type Bandwidth struct {
	Path
	BytesPerSecond int64
}

func (f Bandwidth) String() string {
	return fmt.Sprintf("bandwidth %s %s", f.Path, formatRate(f.BytesPerSecond))
}

// Begin limits.
func (f Bandwidth) Begin(_ context.Context, w World) (Undo, error) {
	return f.impose(w, func(relay.Direction) relay.Fault { return relay.Fault{BytesPerSecond: f.BytesPerSecond} })
}

// Cut makes a path a black hole: bytes are held and dials hang until it heals, then everything is delivered.
type Cut struct{ Path }

func (f Cut) String() string { return "cut " + f.Path.String() }

// Begin cuts.
func (f Cut) Begin(_ context.Context, w World) (Undo, error) {
	return f.impose(w, func(d relay.Direction) relay.Fault {
		return relay.Fault{CutForward: d != relay.Backward, CutBackward: d != relay.Forward}
	})
}

// Refuse resets the connections of a path and refuses dials.
type Refuse struct{ Path }

func (f Refuse) String() string { return "refuse " + f.Path.String() }

// Begin refuses.
func (f Refuse) Begin(_ context.Context, w World) (Undo, error) {
	return f.impose(w, func(relay.Direction) relay.Fault { return relay.Fault{Refuse: true} })
}

// Reset breaks the living connections of a path, once.
type Reset struct{ Path }

func (f Reset) String() string { return "reset " + f.Path.String() }

// Begin resets.
func (f Reset) Begin(_ context.Context, w World) (Undo, error) {
	hops, err := f.hops(w)
	for _, h := range hops {
		h.link.ResetAll()
	}
	return nil, err
}

// ends says why nobody needs to tell when a fault ends; empty for one that goes on until it is undone.
func ends(f Fault) string {
	switch f.(type) {
	case Restart, Reset:
		return "this happens once"
	case Drain:
		return "this ends by itself"
	}
	return ""
}

// Path names links by patterns of their ends, whichever of them dials: both directions, or only what From says to To.
type Path struct {
	From, To string
	OneWay   bool
}

func (p Path) String() string {
	if p.OneWay {
		return p.From + "->" + p.To
	}
	return p.From + "<->" + p.To
}

// hop is one link of a path and the direction on it that the path goes.
type hop struct {
	link      *relay.Link
	direction relay.Direction
}

func (p Path) hops(w World) (hops []hop, err error) {
	seen := map[*relay.Link]bool{}
	add := func(links []*relay.Link, direction relay.Direction) {
		for _, l := range links {
			if !p.OneWay && seen[l] {
				continue
			}
			seen[l] = true
			hops = append(hops, hop{l, direction})
		}
	}
	if p.OneWay {
		add(w.Links(p.From, p.To), relay.Forward)
		add(w.Links(p.To, p.From), relay.Backward)
	} else {
		add(w.Links(p.From, p.To), relay.Both)
		add(w.Links(p.To, p.From), relay.Both)
	}
	if len(hops) == 0 {
		return nil, fmt.Errorf("no link between %s and %s", p.From, p.To)
	}
	return hops, nil
}

// impose puts a fault on every link of the path.
func (p Path) impose(w World, fault func(relay.Direction) relay.Fault) (Undo, error) {
	hops, err := p.hops(w)
	if err != nil {
		return nil, err
	}
	var lifts []func() error
	undo := func(context.Context) error {
		var failed []error
		for _, lift := range lifts {
			failed = append(failed, lift())
		}
		return errors.Join(failed...)
	}
	for _, h := range hops {
		lift, err := h.link.Impose(fault(h.direction))
		lifts = append(lifts, lift)
		if err != nil {
			return undo, fmt.Errorf("link %s->%s: %w", h.link.From, h.link.To, err)
		}
	}
	return undo, nil
}
