package resilience

import (
	"sync"

	"github.com/sony/gobreaker/v2"
)

// budgetBurst is how many retries may come at once after calls that needed none.
const budgetBurst = 10

// Budget bounds retries to a share of the calls, so that callers do not multiply the load of a service that fails.
type Budget struct {
	share  float64
	mu     sync.Mutex
	tokens float64
}

// NewBudget makes the budget of a policy. It begins full.
func (p Policy) NewBudget() *Budget { return &Budget{share: p.Retries, tokens: budgetBurst} }

// Call notes a first attempt.
func (b *Budget) Call() {
	b.mu.Lock()
	b.tokens = min(b.tokens+b.share, budgetBurst)
	b.mu.Unlock()
}

// Retry takes one retry, or says that there is none left.
func (b *Budget) Retry() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// Trips says whether the failures in a row open the breaker.
func (b Breaker) Trips(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= b.Failures }
