package measure

import (
	"cmp"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/chatlab/chatlab/scenarios/history"
)

// Latency is a histogram of durations from 1 microsecond to 10 days with two or three significant digits. It also
// counts what never came: such a thing took at least as long as was waited for it.
type Latency struct {
	hist    *hdrhistogram.Histogram
	missing int64
	worst   []Sample // the longest, in no order
	least   time.Duration
}

// Sample is one delivery.
type Sample struct {
	Took     time.Duration
	At       time.Duration // when it was shown, or the deadline
	Device   history.ID
	Identity history.ID // of the message
	Missing  bool       // it never came
}

// maxWorst is how many of the longest samples are kept.
const maxWorst = 10

const longest = 10 * 24 * time.Hour

// NewLatency makes a histogram of 3 significant digits.
func NewLatency() *Latency { return newLatency(3) }

func newLatency(digits int) *Latency {
	return &Latency{hist: hdrhistogram.New(1, longest.Microseconds(), digits)}
}

// Record adds a duration; one outside the range counts as its limit.
func (l *Latency) Record(d time.Duration) {
	us := min(max(d.Microseconds(), 1), longest.Microseconds())
	_ = l.hist.RecordValue(us) // only a value out of range fails
}

// Add adds a delivery, and keeps it if it is among the longest.
func (l *Latency) Add(s Sample) {
	l.Record(s.Took)
	if s.Missing {
		l.missing++
	}
	l.keep(s)
}

func (l *Latency) keep(s Sample) {
	if len(l.worst) < maxWorst {
		l.worst = append(l.worst, s)
	} else if s.Took > l.least {
		l.worst[l.shortest()] = s
	} else {
		return
	}
	l.least = l.worst[l.shortest()].Took
}

// shortest is the place of the shortest of the longest.
func (l *Latency) shortest() (at int) {
	for i := range l.worst {
		if l.worst[i].Took < l.worst[at].Took {
			at = i
		}
	}
	return at
}

// Worst is the longest deliveries, the longest first.
func (l *Latency) Worst() []Sample {
	if l == nil {
		return nil
	}
	return slices.SortedFunc(slices.Values(l.worst), func(a, b Sample) int {
		return cmp.Or(cmp.Compare(b.Took, a.Took), cmp.Compare(a.Identity, b.Identity), cmp.Compare(a.Device, b.Device))
	})
}

// Count is how many durations were recorded, those of missing things included.
func (l *Latency) Count() int64 {
	if l == nil {
		return 0
	}
	return l.hist.TotalCount()
}

// Missing is how many of them never came.
func (l *Latency) Missing() int64 {
	if l == nil {
		return 0
	}
	return l.missing
}

// At is the q-th quantile, 0 < q <= 1; 0 where nothing was recorded.
func (l *Latency) At(q float64) time.Duration {
	if l.Count() == 0 {
		return 0
	}
	return time.Duration(l.hist.ValueAtQuantile(100*q)) * time.Microsecond
}

// Max is the longest duration; 0 where nothing was recorded.
func (l *Latency) Max() time.Duration {
	if l.Count() == 0 {
		return 0
	}
	return time.Duration(l.hist.Max()) * time.Microsecond
}

// merged is the two as one; it changes neither.
func merged(a, b *Latency) *Latency {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	sum := newLatency(int(a.hist.SignificantFigures()))
	sum.hist.Merge(a.hist)
	sum.hist.Merge(b.hist)
	sum.missing = a.missing + b.missing
	for _, s := range slices.Concat(a.worst, b.worst) {
		sum.keep(s)
	}
	return sum
}

// Quantiles are the durations of a group, in seconds. Those that never came take part with the time they were waited for.
type Quantiles struct {
	Count   int64  `json:"count"`
	Missing int64  `json:"missing"`
	P50     Number `json:"p50_s"`
	P90     Number `json:"p90_s"`
	P99     Number `json:"p99_s"`
	P999    Number `json:"p999_s"`
	Max     Number `json:"max_s"`
}

// Quantiles reads the histogram; all are None where nothing was recorded.
func (l *Latency) Quantiles() Quantiles {
	if l.Count() == 0 {
		return Quantiles{P50: None(), P90: None(), P99: None(), P999: None(), Max: None()}
	}
	return Quantiles{
		Count: l.Count(), Missing: l.Missing(), P50: seconds(l.At(.5)), P90: seconds(l.At(.9)), P99: seconds(l.At(.99)),
		P999: seconds(l.At(.999)), Max: seconds(l.Max()),
	}
}
