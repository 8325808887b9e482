package kafka

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/chatlab/chatlab/system/resilience"
)

// span is what a partition holds: the offset of its first record, and the one that its next record gets.
type span struct{ first, end int64 }

func (c *Client) spans(ctx context.Context, topic string) (map[int]span, error) {
	ids, err := c.partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	var ask []kafka.OffsetRequest
	for _, p := range ids {
		ask = append(ask, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	res, err := c.admin.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ask}})
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", topic, err)
	}
	spans := map[int]span{}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("list offset of %s/%d: %w", topic, p.Partition, p.Error)
		}
		spans[p.Partition] = span{max(p.FirstOffset, 0), p.LastOffset}
	}
	return spans, nil
}

// Scan reads everything that a topic holds when it is called, one partition after the other, outside of any group.
func (c *Client) Scan(ctx context.Context, topic string, each func(partition int, r Record) error) error {
	spans, err := c.spans(ctx, topic)
	if err != nil {
		return err
	}
	for p := range len(spans) {
		if err := c.scan(ctx, topic, p, spans[p], each); err != nil {
			return fmt.Errorf("read %s/%d: %w", topic, p, err)
		}
	}
	return nil
}

func (c *Client) scan(ctx context.Context, topic string, partition int, s span, each func(int, Record) error) error {
	if s.first >= s.end {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read := resilience.LogRead.Policy()
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: c.cfg.Brokers, Topic: topic, Partition: partition, Dialer: c.dialer(c.dialUntil(ctx, func(error) {})),
		MinBytes: 1, MaxBytes: 8 << 20, MaxWait: c.cfg.Pace, ReadLagInterval: -1,
		ReadBackoffMin: read.Backoff.First, ReadBackoffMax: read.Backoff.Max,
	})
	defer r.Close()
	if err := r.SetOffset(s.first); err != nil {
		return err
	}
	for {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			return err
		}
		if err := each(partition, recordOf(m)); err != nil {
			return err
		}
		if m.Offset+1 >= s.end {
			return nil
		}
	}
}

func recordOf(m kafka.Message) Record {
	return Record{Offset: m.Offset, Time: m.Time, Key: m.Key, Value: m.Value, Headers: headersOf(m.Headers)}
}
