package edge

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	sessions *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) (metrics, error) {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chat_edge_requests_total", Help: "Requests, by route and code: a chat code, or ok.",
		}, []string{"route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chat_edge_request_duration_seconds", Help: "Time to answer a request, by route.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 11),
		}, []string{"route"}),
		sessions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chat_edge_sessions_total", Help: "Sessions assigned, by gateway.",
		}, []string{"gateway"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.sessions} {
		if err := r.Register(c); err != nil {
			return m, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}
