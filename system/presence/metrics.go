package presence

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Results of a sign of life.
const (
	entered  = "ok"
	replaced = "replaced" // a newer connection of the device is online
	refused  = "refused"  // it cannot be read
	failed   = "failed"   // the store does not answer
)

type metrics struct {
	beats  *prometheus.CounterVec
	batch  prometheus.Histogram
	lookup prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) (metrics, error) {
	m := metrics{
		beats: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chat_presence_heartbeats_total", Help: "Signs of life of devices, by result.",
		}, []string{"result"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chat_presence_refresh_batch_devices", Help: "Devices renewed by one call.", Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		lookup: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chat_presence_lookup_duration_seconds", Help: "Time to look up the devices of some users.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 10),
		}),
	}
	for _, c := range []prometheus.Collector{m.beats, m.batch, m.lookup} {
		if err := r.Register(c); err != nil {
			return m, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

func (m metrics) heartbeat(result string, n int) { m.beats.WithLabelValues(result).Add(float64(n)) }

func (m metrics) heartbeats(current []bool) {
	for _, c := range current {
		if c {
			m.heartbeat(entered, 1)
		} else {
			m.heartbeat(replaced, 1)
		}
	}
}
