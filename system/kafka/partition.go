package kafka

import (
	"context"
	"sync/atomic"
	"time"
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
	reader  atomic.Pointer[context.CancelCauseFunc] // ends the reader that is at work, and says why
}

func newPartition(c *Client, topic string, id int, offset int64, commits *commits) *Partition {
	p := &Partition{ID: id, Offset: offset, client: c, topic: topic, commits: commits, records: make(chan Record, 256)}
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
