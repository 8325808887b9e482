package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/trace"
)

// Producer writes to one topic. A record counts as written when all in-sync replicas have it, or as the client was told.
type Producer struct {
	client *Client
	topic  string
	w      *kafka.Writer
	slots  chan struct{} // a record past them is refused, not queued
	policy resilience.Policy
	within time.Duration // of a write, unless its caller gives up before
}

// maxRecordBytes bounds a record, and what one request carries.
const maxRecordBytes = 1 << 20

// Producer makes a producer.
func (c *Client) Producer(topic string) *Producer { return c.ProducerUpTo(topic, maxRecordBytes) }

// ProducerUpTo makes a producer of records up to a size. The zero value of the driver's writer waits for no
// acknowledgement and batches for a second; these settings are what the promises need.
func (c *Client) ProducerUpTo(topic string, bytes int64) *Producer {
	policy := resilience.LogWrite.Policy()
	w := &kafka.Writer{
		Addr: kafka.TCP(c.cfg.Brokers...), Topic: topic, Transport: c.transport, Balancer: &kafka.Hash{},
		RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond, BatchSize: 256, BatchBytes: bytes,
	}
	if c.cfg.LeaderAcks {
		w.RequiredAcks = kafka.RequireOne
	}
	within := driverGivesUp
	if !c.cfg.DriverDefaults {
		within = policy.Cost()
		w.ReadTimeout, w.WriteTimeout = policy.Timeout, policy.Timeout
		w.MaxAttempts, w.WriteBackoffMin, w.WriteBackoffMax = policy.Attempts, policy.Backoff.First, policy.Backoff.Max
	}
	return &Producer{client: c, policy: policy, within: within, topic: topic, w: w, slots: make(chan struct{}, policy.InFlight)}
}

// driverGivesUp is more than the driver's ten attempts of ten seconds each take.
const driverGivesUp = 2 * time.Minute

// Write returns nil when the record is on all in-sync replicas. Any other outcome but CodeUnavailable is unknown: the
// record may be in the log, or arrive there later, or stand there twice.
func (p *Producer) Write(ctx context.Context, key, value []byte, headers ...Header) error {
	if ctx.Err() != nil { // the driver would write it
		return chat.Errorf(chat.CodeUnavailable, "the caller gave up before the log was asked").After(time.Second)
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	default:
		return chat.Errorf(chat.CodeUnavailable, "%d sends wait for the log", p.policy.InFlight).After(time.Second)
	}
	if parent := trace.Of(ctx); parent != "" {
		headers = append(headers, Header{trace.Header, []byte(parent)})
	}
	ctx, cancel := context.WithTimeout(ctx, p.within)
	defer cancel()
	err := p.w.WriteMessages(ctx, kafka.Message{Key: key, Value: value, Headers: driverHeaders(headers)})
	if err == nil {
		return nil
	}
	var tooLarge kafka.MessageTooLargeError
	if errors.As(err, &tooLarge) || errors.Is(firstOf(err), kafka.MessageSizeTooLarge) {
		return chat.Errorf(chat.CodeTooLarge, "record is larger than the log takes")
	}
	return fmt.Errorf("write to log: %w: %w", chat.Errorf(chat.CodeUnknownOutcome, "the log did not confirm in time").After(200*time.Millisecond), err)
}

// firstOf unwraps what the driver says of a batch of one.
func firstOf(err error) error {
	var batch kafka.WriteErrors
	if errors.As(err, &batch) && len(batch) > 0 {
		return batch[0]
	}
	return err
}

// Close flushes and ends the producer.
func (p *Producer) Close() error { return p.w.Close() }

// Ready proves that every partition of the topic has a leader that answers.
func (p *Producer) Ready(ctx context.Context) error { return p.client.Ready(ctx, p.topic) }
