package gateway

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/chat"
)

type metrics struct {
	pushes, misses, slowReaders, flushes prometheus.Counter
	reported, unreported                 prometheus.Counter
	joined                               prometheus.Histogram
	frames, closes, refusals             *prometheus.CounterVec
	presenceErrors, beats                *prometheus.CounterVec
	sends                                *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer, g *Gateway) metrics {
	gauge := func(name, help string, v *atomic.Int64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(v.Load()) }))
	}
	state := func(name, help string, v *atomic.Bool) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			if v.Load() {
				return 1
			}
			return 0
		}))
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		r.MustRegister(c)
		return c
	}
	counters := func(name, help, label string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
		r.MustRegister(c)
		return c
	}
	gauge("chat_gateway_connections", "WebSocket connections.", &g.connections)
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chat_gateway_connections_limit", Help: "WebSocket connections that the gateway takes at most.",
	}, func() float64 { return float64(g.cfg.Limits.Connections) }))
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chat_gateway_unreported_sessions", Help: "Sessions that have come further than any message pod knows.",
	}, func() float64 { return float64(g.reporter.untold()) }))
	gauge("chat_gateway_outbox_bytes", "Bytes that wait for sockets.", &g.outbox)
	state("chat_gateway_shedding", "1 while no connections are taken for want of memory.", &g.shedding)
	m := metrics{
		pushes:         counter("chat_gateway_pushes_total", "Frames from workers put into outboxes, one for each device."),
		misses:         counter("chat_gateway_misses_total", "Recipients of deliveries who had no socket here."),
		slowReaders:    counter("chat_gateway_slow_reader_closes_total", "Sessions closed because their device read too slowly."),
		reported:       counter("chat_gateway_cursors_reported_total", "Cursors sent to message pods, those sent again included."),
		unreported:     counter("chat_gateway_cursors_unreported_total", "Cursors that no message pod took; they are sent again."),
		flushes:        counter("chat_gateway_flushes_total", "Writes to sockets."),
		frames:         counters("chat_gateway_frames_received_total", "Frames from devices, by type; refused ones are bad, those that came too fast surplus.", "type"),
		closes:         counters("chat_gateway_closes_total", "Sessions that the gateway closed, by close code.", "code"),
		refusals:       counters("chat_gateway_refusals_total", "Connections refused after their ticket was verified, by reason.", "reason"),
		beats:          counters("chat_gateway_heartbeats_total", "Signs of life of devices passed on to presence, by result.", "result"),
		presenceErrors: counters("chat_gateway_presence_errors_total", "Failed calls to presence, by call.", "call"),
		joined: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chat_gateway_flush_frames", Help: "Frames joined into one write.", Buckets: prometheus.ExponentialBuckets(1, 2, 9),
		}),
		sends: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chat_gateway_send_duration_seconds", Help: "Time of a send's call to the message service, by outcome.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}, []string{"outcome"}),
	}
	r.MustRegister(m.joined, m.sends)
	m.beat(0, nil)
	m.beat(0, chat.Errorf(chat.CodeUnavailable, "none has failed yet"))
	return m
}

func (m metrics) pushed(n int) { m.pushes.Add(float64(n)) }

func (m metrics) missed(n int) { m.misses.Add(float64(n)) }

func (m metrics) flushed(frames int) {
	m.flushes.Inc()
	m.joined.Observe(float64(frames))
}

func (m metrics) closed(code chat.CloseCode) {
	m.closes.WithLabelValues(strconv.Itoa(int(code))).Inc()
	if code == chat.CloseSlowReader {
		m.slowReaders.Inc()
	}
}

// beat counts signs of life that presence took, or that no presence pod took.
func (m metrics) beat(n int, err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.beats.WithLabelValues(result).Add(float64(n))
}

// received counts a frame under a type that exists: what strangers write makes no new series.
func (m metrics) received(typ string, err *chat.Error) {
	if err != nil {
		typ = "bad"
	}
	m.frames.WithLabelValues(typ).Inc()
}

func (m metrics) sent(d time.Duration, outcome string) {
	m.sends.WithLabelValues(outcome).Observe(d.Seconds())
}
