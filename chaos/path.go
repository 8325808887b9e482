package chaos

import (
	"context"
	"errors"
	"fmt"

	"github.com/chatlab/chatlab/chaos/relay"
)

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

// Target is the path's links.
func (p Path) Target() Target { return Target{Path: p} }

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
	if len(hops) == 0 && len(p.wires(w)) == 0 {
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
