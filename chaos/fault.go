// Package chaos holds faults as printable values, their schedule, and the run that undoes them for certain.
package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/chaos/relay"
)

// World is what faults act on; an environment implements it.
type World interface {
	// Kill crashes a pod or node; Start brings it back.
	Kill(ctx context.Context, name string) error
	Start(ctx context.Context, name string) error
	// Freeze stops a process as a long pause would; Thaw lets it go on.
	Freeze(ctx context.Context, name string) error
	Thaw(ctx context.Context, name string) error
	// Links lists the links whose ends match two patterns such as fanout-*.
	Links(from, to string) []*relay.Link
	// Gauge answers a measure that a gated fault waits for, such as lag.
	Gauge(ctx context.Context, name string) (float64, error)
	// Available says why this world cannot do a fault honestly; nil if it can.
	Available(Fault) error
	// Healthy returns nil when everything works again.
	Healthy(ctx context.Context) error
}

// Fault is something that goes wrong. Begin and End are called once each, in this order.
type Fault interface {
	String() string
	Begin(context.Context, World) error
	End(context.Context, World) error
}

// Kill crashes a pod or node. Undoing it starts the victim again.
type Kill struct{ Name string }

func (f Kill) String() string                           { return "kill " + f.Name }
func (f Kill) Begin(ctx context.Context, w World) error { return w.Kill(ctx, f.Name) }

// End starts the victim again, unless something else has.
func (f Kill) End(ctx context.Context, w World) error { return w.Start(ctx, f.Name) }

// Freeze stops a process without ending it.
type Freeze struct{ Name string }

func (f Freeze) String() string                           { return "freeze " + f.Name }
func (f Freeze) Begin(ctx context.Context, w World) error { return w.Freeze(ctx, f.Name) }

// End lets the process go on.
func (f Freeze) End(ctx context.Context, w World) error { return w.Thaw(ctx, f.Name) }

// Latency delays every byte on the links between two ends, each way.
type Latency struct {
	From, To string
	Delay    time.Duration
}

func (f Latency) String() string { return fmt.Sprintf("latency %s<->%s %s", f.From, f.To, f.Delay) }

// Begin sets the delay.
func (f Latency) Begin(_ context.Context, w World) error {
	return onLinks(w, f.From, f.To, func(l *relay.Link) error { l.SetLatency(f.Delay, f.Delay); return nil })
}

// End takes it away.
func (f Latency) End(_ context.Context, w World) error {
	return onLinks(w, f.From, f.To, func(l *relay.Link) error { l.SetLatency(0, 0); return nil })
}

// Cut makes the links between two ends a black hole: bytes are held and delivered when it heals.
type Cut struct {
	From, To string
	OneWay   bool // only what From says to To is lost
}

func (f Cut) String() string {
	if f.OneWay {
		return fmt.Sprintf("cut %s->%s", f.From, f.To)
	}
	return fmt.Sprintf("cut %s<->%s", f.From, f.To)
}

// Begin cuts.
func (f Cut) Begin(_ context.Context, w World) error {
	direction := relay.Both
	if f.OneWay {
		direction = relay.Forward
	}
	return onLinks(w, f.From, f.To, func(l *relay.Link) error { return l.Cut(direction) })
}

// End heals.
func (f Cut) End(_ context.Context, w World) error {
	return onLinks(w, f.From, f.To, (*relay.Link).Restore)
}

func onLinks(w World, from, to string, do func(*relay.Link) error) error {
	links := w.Links(from, to)
	if len(links) == 0 {
		return fmt.Errorf("no link leads from %s to %s", from, to)
	}
	for _, l := range links {
		if err := do(l); err != nil {
			return err
		}
	}
	return nil
}
