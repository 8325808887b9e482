package deadletter

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Refused says that a record can never be processed: trying again would fail for the same reason.
type Refused struct{ Cause error }

// Refuse marks an error as one that trying again does not mend.
func Refuse(cause error) error { return &Refused{cause} }

// Error is the cause's.
func (r *Refused) Error() string { return r.Cause.Error() }

// Unwrap returns the cause.
func (r *Refused) Unwrap() error { return r.Cause }

// IsRefused says whether an error is a refusal: its record is a dead letter.
func IsRefused(err error) bool {
	var r *Refused
	return errors.As(err, &r)
}

// maxStack bounds what a panic adds to a letter.
const maxStack = 2 << 10

// Guard handles one record and turns its panic into a refusal: a record that panics once does so for every worker that
// gets its partition.
func Guard(handle func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			stack := debug.Stack()
			err = Refuse(fmt.Errorf("handling panics: %v: %s", p, stack[:min(len(stack), maxStack)]))
		}
	}()
	return handle()
}
