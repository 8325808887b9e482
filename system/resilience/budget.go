package resilience

import "sync"

// budgetBurst is how many retries may come at once after calls that needed none.
const budgetBurst = 10

// Budget bounds retries to a share of the calls, so that callers do not multiply the load of a service that fails.
type Budget struct {
	share  float64
	shown  func(made bool)
	mu     sync.Mutex
	tokens float64
}

// Budget makes the retry budget of a call, which the meter shows. It begins full.
func (m *Meter) Budget(c Call, callee string) *Budget {
	return &Budget{share: c.Policy().Retries, shown: func(made bool) { m.Retry(c, callee, made) }, tokens: budgetBurst}
}

// Call notes a first attempt.
func (b *Budget) Call() {
	b.mu.Lock()
	b.tokens = min(b.tokens+b.share, budgetBurst)
	b.mu.Unlock()
}

// Retry takes one retry, or says that there is none left.
func (b *Budget) Retry() (may bool) {
	b.mu.Lock()
	if may = b.tokens >= 1; may {
		b.tokens--
	}
	b.mu.Unlock()
	b.shown(may)
	return may
}
