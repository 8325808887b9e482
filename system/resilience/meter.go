package resilience

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

// Meter shows what a role's calls make of the table: its breakers' states and its retries.
type Meter struct {
	Breakers *prometheus.GaugeVec
	Retries  *prometheus.CounterVec
	Withheld *prometheus.CounterVec // retries that a budget did not allow
}

// NewMeter registers the metrics, or shares those that are registered already. Without a registerer nobody sees them.
func NewMeter(r prometheus.Registerer) *Meter {
	if r == nil {
		r = prometheus.NewRegistry()
	}
	labels := []string{"call", "callee"}
	return &Meter{
		Breakers: shared(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "chat_breaker_state", Help: "Whether a callee is called: 0 yes, 1 it is being probed, 2 it is left alone. The calls are rows of docs/RESILIENCE.md.",
		}, labels)),
		Retries: shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chat_retries_total", Help: "Calls made again within their retry budget.",
		}, labels)),
		Withheld: shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chat_retries_withheld_total", Help: "Calls not made again because their retry budget was spent.",
		}, labels)),
	}
}

func shared[C prometheus.Collector](r prometheus.Registerer, c C) C {
	err := r.Register(c)
	var known prometheus.AlreadyRegisteredError
	if errors.As(err, &known) {
		return known.ExistingCollector.(C)
	}
	if err != nil {
		panic(err)
	}
	return c
}

// Retry counts a retry that was made, or was withheld.
func (m *Meter) Retry(c Call, callee string, made bool) {
	n := m.Withheld
	if made {
		n = m.Retries
	}
	n.WithLabelValues(c.Policy().Name, callee).Inc()
}

// Show notes whether a callee is called.
func (m *Meter) Show(c Call, callee string, state gobreaker.State) {
	m.Breakers.WithLabelValues(c.Policy().Name, callee).Set(float64(state))
}

// NewBreaker makes a callee's breaker as the table has it; its other settings are given. Calls that share it have the
// same breaker in the table.
func NewBreaker[T any](m *Meter, callee string, s gobreaker.Settings, calls ...Call) *gobreaker.CircuitBreaker[T] {
	policy := calls[0].Policy().Breaker
	show := func(state gobreaker.State) {
		for _, c := range calls {
			m.Show(c, callee, state)
		}
	}
	show(gobreaker.StateClosed)
	s.Timeout = policy.Open
	s.ReadyToTrip = func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= policy.Failures }
	s.OnStateChange = func(_ string, _, to gobreaker.State) { show(to) }
	return gobreaker.NewCircuitBreaker[T](s)
}
