package fanout

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/resilience"
)

type metrics struct {
	lag         *kafka.Gauge
	oldest      *kafka.Gauge
	deliveries  prometheus.Histogram
	held        prometheus.Gauge
	repeats     prometheus.Counter
	givenUp     prometheus.Counter
	misses      prometheus.Counter
	cacheErrors prometheus.Counter
	receipts    prometheus.Counter
	stores      *prometheus.HistogramVec

	calls         *resilience.Meter
	fallbackCalls *prometheus.CounterVec
	fallbackTook  prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		r.MustRegister(c)
		return c
	}
	m := metrics{
		lag:         kafka.NewGauge(r, "chat_consumer_lag_records", "Records of a partition that the fan-out group has not committed. A worker tells those that it holds, a push pod the others' too."),
		held:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "chat_fanout_partitions_held", Help: "Partitions that this worker works on."}),
		repeats:     counter("chat_fanout_repeats_total", "Records that repeat a message which has its place."),
		givenUp:     counter("chat_fanout_given_up_total", "Deliveries given up after their stated time; their devices are told to resync."),
		misses:      counter("chat_fanout_misses_total", "Recipients whom the gateway did not have."),
		receipts:    counter("chat_fanout_receipt_frames_total", "Receipt frames, one for each sender told."),
		cacheErrors: counter("chat_fanout_cache_errors_total", "Failed updates of the message cache."),
		stores: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chat_cassandra_write_duration_seconds", Help: "Time to store a batch of rows, by outcome.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 12),
		}, []string{"outcome"}),
	}
	m.oldest = kafka.NewGauge(r, "chat_consumer_oldest_record_timestamp_seconds",
		"Time of the oldest record of a partition that this worker works on, since 1970; 0: it waits for one.")
	m.deliveries = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "chat_delivery_duration_seconds", Help: "Time from a message's record in the log to its frame in the queues of a gateway's sockets.",
		Buckets: prometheus.ExponentialBuckets(0.0025, 2, 14),
	})
	r.MustRegister(m.held, m.stores, m.deliveries)
	m.calls = resilience.NewMeter(r)
	m.withoutPresence(r)
	return m
}

func (m metrics) observe(s kafka.Seen) {
	m.held.Set(float64(s.Held))
	m.lag.Set(kafka.Counts(s.Lag))
	m.oldest.Set(s.Oldest)
}

// delivered takes the time of the record; the zero time is a notice, which is no message.
func (m metrics) delivered(recorded time.Time) {
	if !recorded.IsZero() {
		m.deliveries.Observe(max(0, time.Since(recorded).Seconds()))
	}
}

func (m metrics) observeStore(d time.Duration, err error) {
	outcome := "ok"
	if err != nil {
		outcome = "error"
	}
	m.stores.WithLabelValues(outcome).Observe(d.Seconds())
}

// withoutPresence adds what it costs when presence does not answer.
func (m *metrics) withoutPresence(r prometheus.Registerer) {
	m.fallbackCalls = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "chat_fanout_fallback_calls_total", Help: "Calls to gateways that ask who is connected while presence is away, by outcome.",
	}, []string{"outcome"})
	m.fallbackTook = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "chat_fanout_fallback_seconds", Help: "Time until all gateways have said who is connected, or their time was up.",
		Buckets: prometheus.ExponentialBuckets(0.001, 2, 9),
	})
	r.MustRegister(m.fallbackCalls, m.fallbackTook)
}
