package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/chaos/relay"
)

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

// begin delays. Jitter is always both ways.
func (f Latency) begin(_ context.Context, r *run) (Undo, error) {
	return f.impose(r, func(d relay.Direction) relay.Fault {
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
	return fmt.Sprintf("bandwidth %s %s", f.Path, formatSize(f.BytesPerSecond)+"/s")
}

func (f Bandwidth) begin(_ context.Context, r *run) (Undo, error) {
	return f.impose(r, func(relay.Direction) relay.Fault { return relay.Fault{BytesPerSecond: f.BytesPerSecond} })
}

// Cut makes a path a black hole: bytes are held and dials hang until it heals, then everything is delivered.
type Cut struct{ Path }

func (f Cut) String() string { return "cut " + f.Path.String() }

func (f Cut) begin(ctx context.Context, r *run) (Undo, error) {
	lift, err := f.impose(r, func(d relay.Direction) relay.Fault {
		return relay.Fault{CutForward: d != relay.Backward, CutBackward: d != relay.Forward}
	})
	if err != nil {
		return lift, err
	}
	mend, err := f.cutWires(ctx, r)
	return func(ctx context.Context) error { return errors.Join(lift(ctx), mend(ctx)) }, err
}

// Refuse resets the connections of a path and refuses dials.
type Refuse struct{ Path }

func (f Refuse) String() string { return "refuse " + f.Path.String() }

func (f Refuse) begin(_ context.Context, r *run) (Undo, error) {
	return f.impose(r, func(relay.Direction) relay.Fault { return relay.Fault{Refuse: true} })
}

// Reset breaks the living connections of a path, once.
type Reset struct{ Path }

func (f Reset) String() string { return "reset " + f.Path.String() }

func (f Reset) begin(_ context.Context, r *run) (Undo, error) {
	hops, err := f.hops(r)
	for _, h := range hops {
		h.link.ResetAll()
	}
	return nil, err
}
