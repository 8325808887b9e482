package kafka

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"github.com/chatlab/chatlab/system/resilience"
)

// Why a reader was built again.
var (
	errSilent  = errors.New("silent")  // its broker took a connection and did not answer
	errStalled = errors.New("stalled") // it made no progress although there are records
	errFailed  = errors.New("failed")  // the driver gave up
)

// newRebuilds counts readers built again; all reasons exist from the start, so that the first one is seen as a rise.
func newRebuilds(r prometheus.Registerer) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "chat_kafka_reader_rebuilds_total",
		Help: "Readers of a partition built again from the next offset, by reason: their broker was silent, they stalled although there are records, or the driver failed.",
	}, []string{"reason"})
	for _, why := range []error{errSilent, errStalled, errFailed} {
		c.WithLabelValues(why.Error())
	}
	if r != nil {
		r.MustRegister(c)
	}
	return c
}

// pump reads into the handler's channel, with a new reader whenever the old one fails or stalls.
func (p *Partition) pump(ctx context.Context) {
	for ctx.Err() == nil {
		why := p.pumpOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		p.client.rebuilds.WithLabelValues(why.Error()).Inc()
		p.client.cfg.Log.Warn("build reader again", "topic", p.topic, "partition", p.ID, "offset", p.read.Load(), "reason", why)
		select {
		case <-ctx.Done():
		case <-time.After(resilience.LogConnect.Policy().Backoff.First):
		}
	}
}

// pumpOnce reads until its reader is of no use any more, and says why.
func (p *Partition) pumpOnce(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p.reader.Store(&cancel)
	read := resilience.LogRead.Policy()
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: p.client.cfg.Brokers, Topic: p.topic, Partition: p.ID, Dialer: p.client.dialer(p.client.dialUntil(ctx, cancel)),
		MinBytes: 1, MaxBytes: 4 << 20, MaxWait: p.client.cfg.Pace, QueueCapacity: 256, ReadLagInterval: -1,
		ReadBackoffMin: read.Backoff.First, ReadBackoffMax: read.Backoff.Max, MaxAttempts: read.Attempts,
	})
	defer r.Close()
	if err := r.SetOffset(p.read.Load()); err != nil {
		return errFailed
	}
	for {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			return reason(ctx)
		}
		select {
		case <-ctx.Done():
			return reason(ctx)
		case p.records <- recordOf(m):
			p.read.Store(m.Offset + 1)
		}
	}
}

func reason(ctx context.Context) error {
	if why := context.Cause(ctx); why != nil {
		return why
	}
	return errFailed
}

// dialUntil makes connections that end with ctx: the driver's reader would wait for the answer to its last fetch, and a
// rebalance for the reader. A reader whose broker does not answer is given up.
func (c *Client) dialUntil(ctx context.Context, giveUp context.CancelCauseFunc) func(context.Context, string, string) (net.Conn, error) {
	return func(dial context.Context, network, address string) (net.Conn, error) {
		conn, err := c.silent.dial(dial, network, address)
		if err != nil {
			return nil, err
		}
		conn.patience = max(resilience.LogAsk.Timeout(), c.cfg.Pace)
		conn.timedOut = func() { giveUp(errSilent) }
		conn.giveUp = context.AfterFunc(ctx, func() { conn.Conn.Close() })
		return conn, nil
	}
}

// judge asks for a new reader after three looks without progress: readers have been seen to stall after a broker's restart.
func (p *Partition) judge(end int64) {
	read := p.read.Load()
	if read >= end || read != p.looked || len(p.records) == cap(p.records) {
		p.looked, p.stalls = read, 0
		return
	}
	if p.stalls++; p.stalls < 3 {
		return
	}
	p.stalls = 0
	if giveUp := p.reader.Load(); giveUp != nil {
		(*giveUp)(errStalled)
	}
}
