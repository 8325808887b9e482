package fanout

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	lag         *prometheus.GaugeVec
	held        prometheus.Gauge
	repeats     prometheus.Counter
	givenUp     prometheus.Counter
	misses      prometheus.Counter
	cacheErrors prometheus.Counter
	stores      *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer) metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		r.MustRegister(c)
		return c
	}
	m := metrics{
		lag:         prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "chat_consumer_lag_records", Help: "Records of a partition that this worker has not read yet."}, []string{"partition"}),
		held:        prometheus.NewGauge(prometheus.GaugeOpts{Name: "chat_fanout_partitions_held", Help: "Partitions that this worker works on."}),
		repeats:     counter("chat_fanout_repeats_total", "Records that repeat a message which has its place."),
		givenUp:     counter("chat_fanout_given_up_total", "Deliveries given up after their stated time; their devices are told to resync."),
		misses:      counter("chat_fanout_misses_total", "Recipients whom the gateway did not have."),
		cacheErrors: counter("chat_fanout_cache_errors_total", "Failed updates of the message cache."),
		stores: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chat_cassandra_write_duration_seconds", Help: "Time to store a batch of rows, by outcome.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 12),
		}, []string{"outcome"}),
	}
	r.MustRegister(m.lag, m.held, m.stores)
	return m
}

func (m metrics) observeLag(partition int, lag int64) {
	m.lag.WithLabelValues(strconv.Itoa(partition)).Set(float64(lag))
}

func (m metrics) observeStore(d time.Duration, err error) {
	outcome := "ok"
	if err != nil {
		outcome = "error"
	}
	m.stores.WithLabelValues(outcome).Observe(d.Seconds())
}

func (m metrics) observeHeld(n int) { m.held.Set(float64(n)) }
