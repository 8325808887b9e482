package message

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/chat"
)

type metrics struct {
	sends *prometheus.HistogramVec
	queue prometheus.Gauge
	reads *prometheus.CounterVec
	cache *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) metrics {
	m := metrics{
		sends: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chat_message_send_duration_seconds", Help: "Time from a send's arrival to its answer, by outcome.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}, []string{"outcome"}),
		queue: prometheus.NewGauge(prometheus.GaugeOpts{Name: "chat_group_limit_queue_length", Help: "Sends that wait for their group's limit, all groups of this pod."}),
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chat_history_reads_total", Help: "Pages of history served, by source."}, []string{"source"}),
	}
	m.cache = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chat_cache_reads_total", Help: "Questions to the message cache, by result."}, []string{"result"})
	r.MustRegister(m.sends, m.queue, m.reads, m.cache)
	return m
}

func (m metrics) queued(delta float64) { m.queue.Add(delta) }

func (m metrics) observeSend(d time.Duration, err error) {
	outcome := "ok"
	if err != nil {
		outcome = string(chat.AsError(err).Code)
	}
	m.sends.WithLabelValues(outcome).Observe(d.Seconds())
}

func (m metrics) observeCache(complete bool, err error) {
	result := "miss"
	switch {
	case err != nil:
		result = "error"
	case complete:
		result = "hit"
	}
	m.cache.WithLabelValues(result).Inc()
}

func (m metrics) observeRead(fromCache bool) {
	source := "cassandra"
	if fromCache {
		source = "redis"
	}
	m.reads.WithLabelValues(source).Inc()
}
