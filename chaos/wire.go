package chaos

import (
	"context"
	"errors"
	"fmt"
)

// Wire is the way from one server of a store to another, on which there is no link: it can be cut and mended, and nothing else.
type Wire struct {
	From, To  string
	Cut, Mend func(context.Context) error // what is cut twice is mended twice
}

// wires lists the wires of a path in the direction that it goes.
func (p Path) wires(w World) []Wire {
	all := w.Wires(p.From, p.To)
	if p.OneWay {
		return all
	}
	seen := map[[2]string]bool{}
	for _, wire := range all {
		seen[[2]string{wire.From, wire.To}] = true
	}
	for _, wire := range w.Wires(p.To, p.From) {
		if !seen[[2]string{wire.From, wire.To}] {
			all = append(all, wire)
		}
	}
	return all
}

// cutWires cuts every wire of the path. What could not be mended at the first undo is mended at the next.
func (p Path) cutWires(ctx context.Context, w World) (Undo, error) {
	var cut []Wire
	undo := func(ctx context.Context) error {
		var failed []error
		var still []Wire
		for _, wire := range cut {
			if err := wire.Mend(ctx); err != nil {
				failed, still = append(failed, fmt.Errorf("mend %s->%s: %w", wire.From, wire.To, err)), append(still, wire)
			}
		}
		cut = still
		return errors.Join(failed...)
	}
	for _, wire := range p.wires(w) {
		if err := wire.Cut(ctx); err != nil {
			return undo, fmt.Errorf("cut %s->%s: %w", wire.From, wire.To, err)
		}
		cut = append(cut, wire)
	}
	return undo, nil
}
