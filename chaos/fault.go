package chaos

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// Fault is something that goes wrong. Its String is its text form.
type Fault interface {
	String() string
	// Target is what it acts on.
	Target() Target
	// begin makes it go wrong. What has to be undone is returned also with an error; it is nil if nothing has.
	begin(context.Context, *run) (Undo, error)
}

// Undo ends a fault. It is called again if it fails.
type Undo func(context.Context) error

// Target is what a fault acts on: a process by its name, or else the links of a path.
type Target struct {
	Name string
	Path Path
}

func (t Target) String() string {
	if t.Name != "" {
		return t.Name
	}
	return t.Path.String()
}

// prove returns nil when what a fault acted on is seen to work: the process, or a connection over each of the links, and servers at the ends
// of wires.
func (t Target) prove(ctx context.Context, w World) error {
	if t.Name != "" {
		return w.Probe(ctx, t.Name)
	}
	hops, err := t.Path.hops(w)
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(probesAtOnce)
	for _, wire := range t.Path.wires(w) {
		g.Go(func() error { return w.Probe(ctx, wire.From) })
		g.Go(func() error { return w.Probe(ctx, wire.To) })
	}
	for _, h := range hops {
		g.Go(func() error { return h.link.Probe(ctx) })
	}
	return g.Wait()
}

const probesAtOnce = 16
