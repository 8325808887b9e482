// Package readiness asks what a role depends on, and says what is away and what to do about it.
package readiness

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Dependency is something that a role asks to do its work.
type Dependency struct {
	Name   string
	Ask    func(context.Context) error
	Advice string // what to do when it is away
	Spare  bool   // the role goes on without it, if less well
}

// Dependencies are those of a role.
type Dependencies []Dependency

// Finding is what became of asking one dependency.
type Finding struct {
	Dependency
	Err error
}

// Report has one finding for each dependency.
type Report []Finding

// Ask asks all of them side by side.
func (ds Dependencies) Ask(ctx context.Context) Report {
	r := make(Report, len(ds))
	var all sync.WaitGroup
	for i, d := range ds {
		all.Go(func() { r[i] = Finding{d, d.Ask(ctx)} })
	}
	all.Wait()
	return r
}

func (f Finding) String() string { return fmt.Sprintf("%s: %s; %v", f.Name, f.Advice, f.Err) }

// Err names everything without which the role cannot do its work; nil: it can.
func (r Report) Err() error {
	var errs []error
	for _, f := range r {
		if f.Err != nil && !f.Spare {
			errs = append(errs, errors.New(f.String()))
		}
	}
	return errors.Join(errs...)
}

// Without is what the role goes on without.
func (r Report) Without() (fs []Finding) {
	for _, f := range r {
		if f.Err != nil && f.Spare {
			fs = append(fs, f)
		}
	}
	return fs
}
