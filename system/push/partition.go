package push

import (
	"context"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/wire"
)

const (
	maxBatch  = 64     // records that are placed together
	maxHolds  = 50_000 // of one partition; past it nothing more is read until some are decided
	maxLooks  = 500    // holds that are looked at together
	shortest  = 20 * time.Millisecond
	storeWait = time.Second // until the stores are asked again that did not answer
)

// partition is the work on one partition. Its loop alone touches the ledger.
type partition struct {
	*Role
	p         *kafka.Partition
	ledger    *ledger
	results   chan result
	jobs      sync.WaitGroup
	committed int64
	held      int // as the gauge knows it
}

// handle works on one partition until ctx ends. What is not decided by then is not committed, and is decided anew by
// whoever gets the partition.
func (r *Role) handle(ctx context.Context, p *kafka.Partition) error {
	ctx, cancel := context.WithCancel(ctx)
	w := &partition{Role: r, p: p, ledger: newLedger(r.times, p.Offset), results: make(chan result, maxJobs), committed: p.Offset}
	arrivals := make(chan []arrival)
	var reading sync.WaitGroup
	var failed error
	reading.Go(func() {
		defer cancel()
		failed = w.read(ctx, arrivals)
	})
	w.loop(ctx, arrivals)
	cancel()
	reading.Wait()
	w.jobs.Wait()
	r.metrics.holds.Sub(float64(w.held))
	return failed
}

// read places records as soon as the fan-out group is done with them.
func (w *partition) read(ctx context.Context, out chan<- []arrival) error {
	places := newPlaces(w.cfg.Store, w.cfg.Switches, int32(w.p.ID))
	for {
		records, err := w.p.Fetch(ctx, maxBatch)
		if err != nil {
			return nil
		}
		for len(records) > 0 { // those that are through go on, and wait for no others
			if err := w.gate.wait(ctx, w.p.ID, records[0].Offset); err != nil {
				return nil
			}
			n := w.gate.through(w.p.ID, records)
			batch, err := w.place(ctx, places, records[:n])
			if err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return nil
			case out <- batch:
			}
			records = records[n:]
		}
	}
}

// place turns records into arrivals. One that cannot be placed goes to the dead letters, and nobody is told of it.
func (w *partition) place(ctx context.Context, places *places, records []kafka.Record) ([]arrival, error) {
	batch := make([]arrival, 0, len(records))
	for _, r := range records {
		a, err := places.place(ctx, r)
		if deadletter.IsRefused(err) {
			err = w.letters.PassOver(ctx, wire.TopicMessages, w.p.ID, r, err)
		}
		if err != nil {
			return nil, err
		}
		batch = append(batch, a)
	}
	return batch, nil
}

func (w *partition) loop(ctx context.Context, arrivals <-chan []arrival) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		in := arrivals
		if len(w.ledger.holds) >= maxHolds {
			in = nil
		}
		timer.Reset(w.untilLook())
		select {
		case <-ctx.Done():
			return
		case batch := <-in:
			for _, a := range batch {
				w.ledger.add(a, w.cfg.Now())
			}
		case r := <-w.results:
			w.finish(r)
		case <-timer.C:
		}
		w.look(ctx)
		w.report()
	}
}

// untilLook is at least so long that what comes together is looked at together.
func (w *partition) untilLook() time.Duration {
	at, ok := w.ledger.nextLook()
	if !ok {
		return time.Hour
	}
	return max(at.Sub(w.cfg.Now()), shortest)
}

func (w *partition) report() {
	if next := w.ledger.committable(); next > w.committed {
		w.committed = next
		w.p.Commit(next)
	}
	w.metrics.holds.Add(float64(len(w.ledger.holds) - w.held))
	w.held = len(w.ledger.holds)
}
