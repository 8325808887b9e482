package scenarios

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
)

// Progress is what a watcher sees of a run.
type Progress struct {
	Variant                         string
	Phase                           string
	Elapsed, Length                 time.Duration
	Sends, Acks, Deliveries, Pushes int64
	Lag                             int64 // of the partition that lags most
}

const sampleEvery = 500 * time.Millisecond

// Names of the sampled metrics in a history.
const (
	MetricLag   = "consumer_lag"             // records, by partition
	MetricCPU   = "cpu_seconds"              // since the process began, by process
	MetricRSS   = "rss_bytes"                // by process
	MetricQueue = "group_limit_queue_length" // sends, of the group for which most wait
	MetricReads = "store_reads"              // reads/s of all message pods; only where devices come back
	MetricTrip  = "round_trip"               // seconds, by link: an awaited call as the document's worker makes it
)

// sample records, until stopped, what devices do not see: consumer lag, queues, CPU and memory of every process.
func (r *run) sample(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				r.sampleOnce(ctx)
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

func (r *run) sampleOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if lag, err := r.sys.Lag(ctx); err == nil {
		r.sampleLag(lag)
	}
	for _, u := range append(r.sys.Usage(), r.fleet.usage()...) {
		r.metric(MetricCPU, u.Process, u.CPUSeconds, "s")
		r.metric(MetricRSS, u.Process, float64(u.RSSBytes), "bytes")
	}
	if q, err := r.sys.Scrape(ctx, "message", "chat_group_limit_longest_queue_length"); err == nil {
		r.metric(MetricQueue, "", q, "sends")
	}
	if len(r.play.Plan.Absences) > 0 {
		r.sampleReads(ctx)
	}
	r.tell()
}

// sampleReads records how much message pods have read from the store since the last sample.
func (r *run) sampleReads(ctx context.Context) {
	reads, err := r.sys.Totals(ctx, "message", storeReads, "call")
	if err != nil {
		return
	}
	now, sum := time.Now(), 0.0
	for _, n := range reads {
		sum += n
	}
	if !r.readAt.IsZero() {
		r.metric(MetricReads, "", (sum-r.read)/now.Sub(r.readAt).Seconds(), "reads/s")
	}
	r.read, r.readAt = sum, now
}

func (r *run) sampleLag(lag map[int]int64) {
	for p, n := range lag {
		if n > 0 || r.lagging[p] { // a partition at rest stays out of the history
			r.metric(MetricLag, fmt.Sprintf("partition %d", p), float64(n), "records")
		}
		r.lagging[p] = n > 0
	}
	r.counts.lag.Store(most(lag))
}

// most is the lag of the partition that lags most.
func most(lag map[int]int64) (m int64) {
	for _, n := range lag {
		m = max(m, n)
	}
	return m
}

func (r *run) metric(name, label string, value float64, unit string) {
	r.rec.Record(history.Event{Kind: history.Metric, Text: r.rec.Text(name), Label: r.rec.Text(label), Value: value, Unit: r.rec.Text(unit)})
}

func (r *run) tell() {
	if r.opt.Progress == nil {
		return
	}
	p := Progress{
		Variant: r.variant.Name, Length: r.play.Plan.Length, Sends: r.counts.sends.Load(), Acks: r.counts.acks.Load(),
		Deliveries: r.counts.shows.Load(), Pushes: r.counts.raws.Load(), Lag: r.counts.lag.Load(), Phase: "connect",
	}
	if phase := r.counts.phase.Load(); phase != nil {
		p.Phase, p.Elapsed = *phase, time.Since(r.began)
	}
	r.opt.Progress(p)
}

// measureTrip records what a worker's awaited call to a gateway costs, once the faults that begin at 0 s are there.
func (r *run) measureTrip(ctx context.Context) {
	if !sleep(ctx, r.play.Steady/2) {
		return
	}
	d, err := r.sys.RoundTrip(ctx, "fanout-1", "gateway-1")
	switch {
	case err == nil:
		r.metric(MetricTrip, "fanout-1<->gateway-1", d.Seconds(), "s")
	case ctx.Err() == nil:
		r.opt.Log.Warn("the report will lack the round trip", "error", err)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
