package chaos

import (
	"context"
	"slices"
	"sync"
	"time"
)

// state is what faults ask of a process together, and what it is made to be.
type state struct {
	down, frozen bool
	shift        time.Duration
	limit        int64 // 0: none
}

// claim is what one fault asks of a process for as long as it lasts.
type claim struct {
	state
	end  func(ctx context.Context, name string) error // how it goes down
	told func(held int64)                             // hears that it was killed for its memory
}

// victim is a process under faults. What they ask adds up, and what one asks for stays until that one ends.
type victim struct {
	name string

	mu     sync.Mutex
	claims []*claim
	is     state
}

func (v *victim) isDown() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.is.down
}

func (v *victim) add(ctx context.Context, r *run, c *claim) error {
	return v.change(ctx, r, func() {
		if !slices.Contains(v.claims, c) {
			v.claims = append(v.claims, c)
		}
	})
}

func (v *victim) drop(ctx context.Context, r *run, c *claim) error {
	return v.change(ctx, r, func() {
		v.claims = slices.DeleteFunc(v.claims, func(other *claim) bool { return other == c })
	})
}

// restart overrules whoever wants the victim down.
func (v *victim) restart(ctx context.Context, r *run) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.is.down {
		if err := r.Kill(ctx, v.name); err != nil {
			return err
		}
		v.is.down, v.is.frozen = true, false
	}
	for _, c := range v.claims {
		c.down = false
	}
	return v.become(ctx, r)
}

// change edits the claims and makes the victim what they ask for. It goes on where an earlier one failed.
func (v *victim) change(ctx context.Context, r *run, edit func()) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	edit()
	return v.become(ctx, r)
}

// sum is what the claims ask for: down if one wants it so, and so on; clocks add up and the tightest limit counts.
func (v *victim) sum() (want claim) {
	for _, c := range v.claims {
		if c.down && !want.down {
			want.down, want.end = true, c.end
		}
		want.frozen = want.frozen || c.frozen
		want.shift += c.shift
		if c.limit > 0 && (want.limit == 0 || c.limit < want.limit) {
			want.limit, want.told = c.limit, c.told
		}
	}
	return want
}

func (v *victim) become(ctx context.Context, r *run) error {
	want := v.sum()
	steps := []struct {
		due  bool
		do   func() error
		done func()
	}{
		{want.down && !v.is.down, func() error { return want.end(ctx, v.name) }, func() { v.is.down, v.is.frozen = true, false }},
		{want.shift != v.is.shift, func() error { return r.Skew(ctx, v.name, want.shift) }, func() { v.is.shift = want.shift }},
		{want.limit != v.is.limit, func() error { return v.limit(ctx, r, want) }, func() { v.is.limit = want.limit }},
		{!want.down && v.is.down, func() error { return r.Start(ctx, v.name) }, func() { v.is.down = false }},
		{!want.down && want.frozen && !v.is.frozen, func() error { return r.Freeze(ctx, v.name) }, func() { v.is.frozen = true }},
		{!want.frozen && v.is.frozen, func() error { return r.Thaw(ctx, v.name) }, func() { v.is.frozen = false }},
	}
	for _, s := range steps {
		if !s.due {
			continue
		}
		if err := s.do(); err != nil {
			return err
		}
		s.done()
	}
	return nil
}

// limit bounds the victim's memory. When the last bound is gone it comes back, should it have been killed for what it held.
func (v *victim) limit(ctx context.Context, r *run, want claim) error {
	if err := r.Limit(ctx, v.name, want.limit, want.told); err != nil || want.limit > 0 || want.down {
		return err
	}
	return r.Start(ctx, v.name)
}
