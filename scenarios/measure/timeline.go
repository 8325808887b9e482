package measure

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// Timeline is series on one clock: point i covers the seconds from i*Step to (i+1)*Step of the run.
type Timeline struct {
	Step   Number   `json:"step_s"`
	Series []Series `json:"series"`
}

// Series is one measure over time; Of names the label of conversations, the partition or process that it belongs to.
type Series struct {
	Name   string   `json:"name"`
	Of     string   `json:"of,omitempty"`
	Unit   string   `json:"unit"`
	Points []Number `json:"points"` // None where nothing was measured
}

// Names of the series that are counted from the history; sampled metrics keep their own.
const (
	SeriesSends      = "sends"
	SeriesAcks       = "acks"
	SeriesRefusals   = "refusals"
	SeriesDeliveries = "deliveries" // messages shown
	SeriesPushes     = "pushes"     // message frames received
	SeriesLosses     = "connections_lost"
	SeriesReconnects = "reconnects"
	SeriesP50        = "delivery_latency_p50"
	SeriesP99        = "delivery_latency_p99"
	SeriesMax        = "delivery_latency_max"
)

// timeline counts events by when they happened, and delivery latencies by when the message was shown.
type timeline struct {
	step      time.Duration
	counts    [columns]bins[float64]
	latencies map[history.ID]*bins[*Latency] // by label; 0: all
	metrics   map[metric]*bins[mean]
	last      int
}

type metric struct{ name, label, unit history.ID }

func counted() [columns]string {
	return [columns]string{SeriesSends, SeriesAcks, SeriesRefusals, SeriesDeliveries, SeriesPushes, SeriesLosses, SeriesReconnects}
}

// Columns that are no kind of event by themselves.
const (
	columnLosses  = 5
	columnReturns = 6
	columns       = 7
)

// column is the place of a kind's count; less than 0 for a kind that is not counted.
func column(k history.Kind) int {
	switch k {
	case history.Send:
		return 0
	case history.Acked:
		return 1
	case history.Refused:
		return 2
	case history.Shown:
		return 3
	case history.Raw:
		return 4
	}
	return -1
}

func newTimeline(step time.Duration) timeline {
	if step <= 0 {
		step = time.Second
	}
	return timeline{step: step, latencies: make(map[history.ID]*bins[*Latency]), metrics: make(map[metric]*bins[mean])}
}

func (t *timeline) observe(e *history.Event, v *ledger.Views) {
	i := t.bin(e.At)
	if c := column(e.Kind); c >= 0 {
		*t.counts[c].at(i)++
	}
	if m := v.Fresh; m != nil && m.Sent {
		took := e.At - max(m.Intended, v.Devices.Of(e.Device).Since)
		t.latency(0, i).Record(took)
		if label := v.Books.Of(m.Conversation).Label; label != 0 {
			t.latency(label, i).Record(took)
		}
	}
	if e.Kind == history.Metric && !math.IsNaN(e.Value) && !momentary(v.Names(e.Text)) {
		m := of(t.metrics, metric{e.Text, e.Label, e.Unit}).at(i)
		m.sum, m.n = m.sum+e.Value, m.n+1
	}
}

// add counts what happened at a time.
func (t *timeline) add(column int, at time.Duration) {
	i := t.bin(at) // which may fold what at returns
	*t.counts[column].at(i)++
}

// bin is the number of the bin of a time; it folds the timeline until there is one.
func (t *timeline) bin(at time.Duration) int {
	for max(at, 0)/t.step >= maxBins {
		t.fold()
	}
	i := int(max(at, 0) / t.step)
	t.last = max(t.last, i)
	return i
}

func (t *timeline) fold() {
	t.step *= 2
	t.last /= 2
	for i := range t.counts {
		t.counts[i].fold(func(a, b float64) float64 { return a + b })
	}
	for _, b := range t.latencies {
		b.fold(merged)
	}
	for _, b := range t.metrics {
		b.fold(mean.join)
	}
}

func (t *timeline) latency(label history.ID, i int) *Latency {
	l := of(t.latencies, label).at(i)
	if *l == nil {
		*l = newLatency(2)
	}
	return *l
}

func of[K comparable, T any](m map[K]*bins[T], key K) *bins[T] {
	b := m[key]
	if b == nil {
		b = &bins[T]{}
		m[key] = b
	}
	return b
}

func (t *timeline) result(name ledger.Names) Timeline {
	var all []Series
	for c, of := range counted() {
		s := Series{Name: of, Unit: "1/s"}
		for i := range t.last + 1 {
			s.Points = append(s.Points, Number(*t.counts[c].at(i)/t.step.Seconds()))
		}
		all = append(all, s)
	}
	for label, b := range t.latencies {
		all = append(all,
			t.quantile(SeriesP50, name(label), b, func(l *Latency) time.Duration { return l.At(.5) }),
			t.quantile(SeriesP99, name(label), b, func(l *Latency) time.Duration { return l.At(.99) }),
			t.quantile(SeriesMax, name(label), b, (*Latency).Max))
	}
	for m, b := range t.metrics {
		all = append(all, t.sampled(m, name, b))
	}
	slices.SortFunc(all, func(a, b Series) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Of, b.Of)) })
	return Timeline{seconds(t.step), all}
}

func (t *timeline) quantile(name, label string, b *bins[*Latency], read func(*Latency) time.Duration) Series {
	s := Series{Name: name, Of: label, Unit: "s"}
	for i := range t.last + 1 {
		p := None()
		if l := *b.at(i); l != nil {
			p = seconds(read(l))
		}
		s.Points = append(s.Points, p)
	}
	return s
}

func (t *timeline) sampled(m metric, name ledger.Names, b *bins[mean]) Series {
	s := Series{Name: name(m.name), Of: name(m.label), Unit: name(m.unit)}
	for i := range t.last + 1 {
		p := None()
		if v := *b.at(i); v.n > 0 {
			p = Number(v.sum / float64(v.n))
		}
		s.Points = append(s.Points, p)
	}
	return s
}
