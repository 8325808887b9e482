package deadletter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire"
)

// MaxBytes is how large a letter may be: a record as large as the log takes, and its headers.
const MaxBytes = 4 << 20

// Config is what a Desk needs.
type Config struct {
	Log     *kafka.Client
	Group   string // of the workers that use it
	Pod     string
	Logger  *slog.Logger
	Metrics prometheus.Registerer
	Within  time.Duration // how long a letter that the log does not take may hold up its partition; the table's when 0
}

// Desk takes the records that one role's workers cannot process.
type Desk struct {
	cfg      Config
	producer *kafka.Producer
	written  *prometheus.CounterVec
	lost     *prometheus.CounterVec
	failing  atomic.Bool // the last letter was lost
}

// NewDesk opens a desk.
func NewDesk(cfg Config) *Desk {
	if cfg.Within == 0 {
		cfg.Within = resilience.DeadLetter.Policy().Overall
	}
	counter := func(name, help string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: prometheus.Labels{"group": cfg.Group}}, []string{"topic"})
		cfg.Metrics.MustRegister(c)
		return c
	}
	return &Desk{
		cfg: cfg, producer: cfg.Log.ProducerUpTo(wire.TopicDeadLetters, MaxBytes),
		written: counter("chat_dead_letters_total", "Records that no worker could process, written to the dead letters, by their topic and group."),
		lost:    counter("chat_dead_letters_lost_total", "Records passed over although the log did not take them as dead letters in time."),
	}
}

// Close ends the desk.
func (d *Desk) Close() error { return d.producer.Close() }

// PassOver returns nil when the worker may go on behind the record: when it is among the dead letters, or when the log
// has not taken it for the stated time, which is counted and logged. Its only error is that ctx ended.
func (d *Desk) PassOver(ctx context.Context, topic string, partition int, r kafka.Record, cause error) error {
	l := Letter{
		Origin: Origin{Topic: topic, Partition: partition, Offset: r.Offset, Time: r.Time, Group: d.cfg.Group},
		Error:  cause.Error(), Pod: d.cfg.Pod, Key: r.Key, Value: r.Value, Headers: r.Headers,
	}
	log := d.cfg.Logger.With("topic", topic, "partition", partition, "offset", r.Offset, "time", r.Time, "group", d.cfg.Group,
		"key", string(r.Key), "bytes", len(r.Value), "error", cause)
	err := d.write(ctx, l)
	d.failing.Store(err != nil && ctx.Err() == nil)
	switch {
	case err == nil:
		d.written.WithLabelValues(topic).Inc()
		log.Error("record cannot be processed: it is among the dead letters")
	case ctx.Err() != nil:
		return fmt.Errorf("write dead letter: %w", ctx.Err())
	default:
		d.lost.WithLabelValues(topic).Inc()
		log.Error("record cannot be processed and the log does not take it as a dead letter: pass over it", "write_error", err)
	}
	return nil
}

// write repeats until the log has the letter, the stated time is over, or the log says that it never takes it. While the
// log takes none, each waits a tenth of the time: many poison records cost a partition little more than one.
func (d *Desk) write(ctx context.Context, l Letter) error {
	within := d.cfg.Within
	if d.failing.Load() {
		within /= 10
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	b := backoff.NewExponentialBackOff()
	pause := resilience.DeadLetter.Policy().Backoff
	b.InitialInterval, b.MaxInterval = pause.First, pause.Max
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := d.producer.Write(ctx, l.Key, l.Value, l.headers()...)
		var refusal *chat.Error
		if errors.As(err, &refusal) && refusal.Code == chat.CodeTooLarge {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(b), backoff.WithMaxElapsedTime(0))
	return err
}
