package kafka

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/chatlab/chatlab/system/resilience"
)

// Record is one record of the log.
type Record struct {
	Offset  int64
	Time    time.Time // the producer's: the driver does not show the broker's append time
	Key     []byte
	Value   []byte
	Headers []Header
}

// Partition is one partition as its handler sees it.
type Partition struct {
	ID     int
	Offset int64 // of the first record that the handler gets

	client  *Client
	topic   string
	commits *commits
	records chan Record
	read    atomic.Int64 // next offset to read
	fetched atomic.Int64 // next offset to hand out
	oldest  atomic.Int64 // time of the first record that was handed out and is not committed, Unix nanoseconds; 0: none
	stalls  int          // consecutive looks without progress
	looked  int64
	rebuild chan struct{}
}

func newPartition(c *Client, topic string, id int, offset int64, commits *commits) *Partition {
	p := &Partition{ID: id, Offset: offset, client: c, topic: topic, commits: commits, records: make(chan Record, 256), rebuild: make(chan struct{}, 1)}
	p.read.Store(offset)
	return p
}

// Fetch waits for a record and returns it with up to max-1 more that are already here.
func (p *Partition) Fetch(ctx context.Context, max int) ([]Record, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-p.records:
		batch := append(make([]Record, 0, 8), r)
		for len(batch) < max {
			select {
			case r := <-p.records:
				batch = append(batch, r)
			default:
				p.handedOut(batch)
				return batch, nil
			}
		}
		p.handedOut(batch)
		return batch, nil
	}
}

// Commit says that all records below next are done with.
func (p *Partition) Commit(next int64) {
	p.commits.set(p.ID, next)
	if next >= p.fetched.Load() {
		p.oldest.Store(0)
	}
}

func (p *Partition) handedOut(batch []Record) {
	p.fetched.Store(batch[len(batch)-1].Offset + 1)
	p.oldest.CompareAndSwap(0, batch[0].Time.UnixNano())
}

// Oldest is the time of the oldest record that the handler works on; zero when it waits for one.
func (p *Partition) Oldest() time.Time {
	if t := p.oldest.Load(); t != 0 {
		return time.Unix(0, t)
	}
	return time.Time{}
}

// pump reads into the handler's channel, with a new reader whenever the old one fails or stalls.
func (p *Partition) pump(ctx context.Context) {
	for ctx.Err() == nil {
		p.pumpOnce(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (p *Partition) pumpOnce(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-ctx.Done():
		case <-p.rebuild:
			p.client.cfg.Log.Warn("rebuild stalled reader", "topic", p.topic, "partition", p.ID, "offset", p.read.Load())
			cancel()
		}
	}()
	read := resilience.LogRead.Policy()
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: p.client.cfg.Brokers, Topic: p.topic, Partition: p.ID, Dialer: p.client.dialerUntil(ctx),
		MinBytes: 1, MaxBytes: 4 << 20, MaxWait: p.client.cfg.Pace, QueueCapacity: 256, ReadLagInterval: -1,
		ReadBackoffMin: read.Backoff.First, ReadBackoffMax: read.Backoff.Max, MaxAttempts: read.Attempts,
	})
	defer r.Close()
	if err := r.SetOffset(p.read.Load()); err != nil {
		return
	}
	for {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case p.records <- recordOf(m):
			p.read.Store(m.Offset + 1)
		}
	}
}

// judge returns the lag of reading and asks for a new reader after three looks without progress.
func (p *Partition) judge(end int64) int64 {
	read := p.read.Load()
	if read >= end || read != p.looked || len(p.records) == cap(p.records) {
		p.looked, p.stalls = read, 0
		return max(end-read, 0)
	}
	if p.stalls++; p.stalls == 3 {
		p.stalls = 0
		select {
		case p.rebuild <- struct{}{}:
		default:
		}
	}
	return end - read
}
