package push

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/resilience"
)

type metrics struct {
	notifications *prometheus.CounterVec
	calls         *resilience.Meter
	decisions     *prometheus.CounterVec
	delay         prometheus.Histogram
	holds         prometheus.Gauge
	lag           *kafka.Gauge
	before        *kafka.Gauge
	dead          *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := metrics{
		notifications: counters("chat_push_notifications_total", "Notifications to one device each, by what became of the attempt.", "provider", "outcome"),
		calls:         resilience.NewMeter(r),
		decisions:     counters("chat_push_decisions_total", "Messages of a user and conversation that were decided together, by why.", "why"),
		dead:          counters("chat_push_dead_tokens_total", "Device tokens removed because their provider knows them no longer.", "provider"),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chat_push_decision_delay_seconds", Help: "From a message's record to the begin of its notification.",
			Buckets: []float64{0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 15, 30, 60, 75, 120, 300, 3600},
		}),
		holds: prometheus.NewGauge(prometheus.GaugeOpts{Name: "chat_push_holds", Help: "Users and conversations of which something is not yet decided or was notified just now."}),
		lag:   kafka.NewGauge(r, "chat_push_lag_records", "Records of a partition that the push group has not committed."),
		// As the workers tell it: one that is gone tells nothing.
		before: kafka.NewGauge(r, "chat_consumer_lag_records", "Records of a partition that the fan-out group has not committed. A worker tells those that it holds, a push pod the others' too."),
	}
	r.MustRegister(m.notifications, m.decisions, m.dead, m.delay, m.holds)
	return m
}

func (m metrics) observe(s kafka.Seen) {
	m.lag.Set(kafka.Counts(s.Lag))
	m.before.Set(kafka.Counts(s.Before))
}
