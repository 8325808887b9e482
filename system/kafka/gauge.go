package kafka

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Gauge is a metric with one value a partition, for those that it was told of last: what a member no longer holds, or
// cannot know, has no value rather than an old one.
type Gauge struct {
	vec  *prometheus.GaugeVec
	mu   sync.Mutex
	told map[int]bool
}

// NewGauge registers a metric by partition.
func NewGauge(r prometheus.Registerer, name, help string) *Gauge {
	g := &Gauge{vec: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"partition"}), told: map[int]bool{}}
	r.MustRegister(g.vec)
	return g
}

// Set replaces all values.
func (g *Gauge) Set(values map[int]float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for p := range g.told {
		if _, still := values[p]; !still {
			g.vec.DeleteLabelValues(strconv.Itoa(p))
			delete(g.told, p)
		}
	}
	for p, v := range values {
		g.vec.WithLabelValues(strconv.Itoa(p)).Set(v)
		g.told[p] = true
	}
}

// Counts makes values of numbers of records.
func Counts(records map[int]int64) map[int]float64 {
	values := make(map[int]float64, len(records))
	for p, n := range records {
		values[p] = float64(n)
	}
	return values
}
