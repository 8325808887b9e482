// Package resilience holds one table of what every remote call may cost: its timeout, attempts, breaker and bulkhead, and what happens when it gives up.
package resilience

import (
	"context"
	"math"
	"time"
)

// Policy is what one kind of remote call may cost.
type Policy struct {
	Name     string // the label call of its metrics
	From, To string
	Methods  []string // gRPC methods, Service.Method; empty for stores and providers

	Timeout  time.Duration // of one attempt; 0: what it consists of have rows of their own
	Attempts int           // at most; 0: until Overall is over, or the caller's context ends
	Backoff  Backoff       // between attempts
	Overall  time.Duration // of all attempts; 0: what they add up to
	Retries  float64       // share of the calls that may be retries; 0: no budget, Attempts bound them
	Rate     Rate          // of retries
	Breaker  Breaker
	InFlight int           // calls at once; 0: bounded by the callers
	Slot     time.Duration // that a call waits to be one of those; 0: it is refused at once
	Ping     Ping
	GivesUp  string

	Inside []Call // what the callee calls while it answers; each must fit into Timeout
	InTurn []Call // those of them that come one after the other; together they must fit into Timeout
	Leaves []Call // for which the caller's deadline must leave their full time, or this call is refused at once
}

// Backoff is the pause between attempts: it begins with First and doubles up to Max.
type Backoff struct{ First, Max time.Duration }

// Breaker leaves a callee alone for Open after so many failures in a row; 0 failures: there is none.
type Breaker struct {
	Failures uint32
	Open     time.Duration
}

// Rate bounds retries to so many a second, and Burst at once; 0: it does not.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Ping asks a silent connection, after Every, whether it lives; one that does not answer Within is broken.
type Ping struct{ Every, Within time.Duration }

// Call names a row of the table.
type Call int

// Policy returns the call's row.
func (c Call) Policy() Policy { return table[c] }

// Timeout is that of one attempt.
func (c Call) Timeout() time.Duration { return table[c].Timeout }

// Overall is that of all attempts.
func (c Call) Overall() time.Duration { return table[c].Overall }

// All lists the rows in their order.
func All() []Call {
	all := make([]Call, len(table))
	for i := range all {
		all[i] = Call(i)
	}
	return all
}

// Cost is the longest that a caller waits before the call gives up; 0: until its context ends.
func (p Policy) Cost() time.Duration {
	if p.Overall > 0 || p.Attempts == 0 {
		return p.Overall
	}
	cost, pause := time.Duration(p.Attempts)*p.Timeout, p.Backoff.First
	for range p.Attempts - 1 {
		cost += pause
		pause = min(2*pause, p.Backoff.Max)
	}
	return cost
}

// Spare is how long a caller may still wait for something else, so that the call gets its full time before the caller's
// deadline. Below 0 the caller has given up, or will, before the call must answer: it is not to be begun.
func (c Call) Spare(ctx context.Context) time.Duration {
	end, ok := ctx.Deadline()
	if !ok {
		return math.MaxInt64
	}
	return time.Until(end) - c.Policy().Cost()
}
