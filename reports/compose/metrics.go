package compose

import (
	"math"
	"slices"
	"strings"

	"github.com/chatlab/chatlab/reports"
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
)

// Where figures come from.
const (
	fromDevices   = "devices: from the intended time of the send until a device shows it"
	fromSender    = "sender's device: from the intended time of the send until its ack"
	fromCounts    = "devices, counted"
	fromLog       = "the log: end of the partition minus what the fan-out group committed"
	fromSystem    = "operating system, per process"
	fromLab       = "the lab"
	fromCalls     = "the lab: median of 20 empty calls over the link, as the document's worker makes them"
	fromPods      = "message pods' /metrics"
	fromProviders = "push providers' stand-in, counted"
	fromReturn    = "the device that comes back: from its first attempt to connect"
	fromSockets   = "the device's connections, both directions"
)

// metrics picks the figures that a reader wants beside the properties.
func metrics(res scenarios.Result) []reports.Metric {
	n := res.Numbers
	out := totals(n)
	for _, g := range n.Deliveries {
		if g.Phase != "steady" && g.Phase != "fault" {
			continue
		}
		name := "delivery " + g.Phase
		if g.Label != "" {
			name += ", " + g.Label
		}
		key := g.Phase == "fault" && g.Label != "" && labels(n) <= 4
		out = append(out,
			reports.Metric{Name: name + " p50", Value: reports.Number(g.P50), Unit: "s", Source: fromDevices},
			reports.Metric{Name: name + " p99", Value: reports.Number(g.P99), Unit: "s", Source: fromDevices, Key: key || g.Phase == "fault" && g.Label == ""},
			reports.Metric{Name: name + " missing", Value: reports.Number(float64(g.Missing)), Unit: "messages", Source: fromDevices})
	}
	for _, g := range n.Acks {
		if g.Label == "" && (g.Phase == "steady" || g.Phase == "fault") {
			out = append(out,
				reports.Metric{Name: "ack " + g.Phase + " p50", Value: reports.Number(g.P50), Unit: "s", Source: fromSender},
				reports.Metric{Name: "ack " + g.Phase + " p99", Value: reports.Number(g.P99), Unit: "s", Source: fromSender})
		}
	}
	return slices.Concat(back(n), out, returns(n), healing(n), notices(n), sampled(n))
}

// healing is what readers felt of a fault.
func healing(n *measure.Numbers) []reports.Metric {
	if len(n.Faults) == 0 {
		return nil
	}
	return []reports.Metric{
		{Name: "deliveries later than a second, since the fault", Value: reports.Number(n.Healing.Late), Unit: "messages", Source: fromDevices, Key: true},
		{Name: "fault felt for", Value: reports.Number(n.Healing.After), Unit: "s", Source: fromDevices, Key: true},
	}
}

// notices are what push providers were given.
func notices(n *measure.Numbers) (out []reports.Metric) {
	for _, p := range n.Notices {
		out = append(out,
			reports.Metric{Name: "notifications, " + p.Phase, Value: reports.Number(p.All), Unit: "notifications", Source: fromProviders},
			reports.Metric{Name: "notifications to connected devices, " + p.Phase, Value: reports.Number(p.Online), Unit: "notifications", Source: fromProviders, Key: p.Online > 0})
	}
	return out
}

// back is what the return of a device cost that had been away.
func back(n *measure.Numbers) []reports.Metric {
	r := n.Return
	if r.Devices == 0 {
		return nil
	}
	out := []reports.Metric{
		{Name: "first screen after", Value: reports.Number(r.Screen), Unit: "s", Source: fromReturn, Key: true},
		{Name: "store reads of the first screen", Value: reports.Number(r.ScreenReads), Unit: "reads", Source: fromPods, Key: true},
		{Name: "bytes until the first screen", Value: reports.Number(r.ScreenBytes), Unit: "bytes", Source: fromSockets, Key: true},
		{Name: "everything shown after", Value: reports.Number(r.Synced), Unit: "s", Source: fromReturn, Key: true},
		{Name: "store reads until then", Value: reports.Number(r.SyncReads), Unit: "reads", Source: fromPods, Key: true},
		{Name: "bytes until then", Value: reports.Number(r.SyncBytes), Unit: "bytes", Source: fromSockets, Key: true},
		{Name: "missed messages", Value: reports.Number(r.Missed), Unit: "messages", Source: fromCounts},
		{Name: "missed messages shown", Value: reports.Number(r.Shown), Unit: "messages", Source: fromCounts},
	}
	for _, c := range r.Calls {
		out = append(out, reports.Metric{Name: "store reads until then, by " + c.Name, Value: reports.Number(c.Reads), Unit: "reads", Source: fromPods})
	}
	return out
}

// returns are what devices felt that lost their connection.
func returns(n *measure.Numbers) []reports.Metric {
	r := n.Reconnects
	if r.Lost == 0 {
		return nil
	}
	return []reports.Metric{
		{Name: "connections lost", Value: reports.Number(r.Lost), Unit: "connections", Source: fromCounts, Key: true},
		{Name: "reconnects, peak in 100 ms", Value: reports.Number(r.Peak), Unit: "devices", Source: fromCounts, Key: true},
		{Name: "reconnects, nine tenths try within", Value: reports.Number(r.Rush), Unit: "s", Source: fromCounts, Key: true},
		{Name: "reconnects, nine tenths within", Value: reports.Number(r.Spread), Unit: "s", Source: fromCounts, Key: true},
		{Name: "99 of 100 back after", Value: reports.Number(r.Most), Unit: "s", Source: fromCounts, Key: true},
		{Name: "longest wait until back", Value: reports.Number(r.Longest), Unit: "s", Source: fromCounts, Key: true},
		{Name: "messages missed meanwhile, and shown afterwards", Value: reports.Number(r.Missed), Unit: "messages", Source: fromCounts},
		{Name: "not back at the end", Value: reports.Number(r.Missing), Unit: "devices", Source: fromCounts},
	}
}

func totals(n *measure.Numbers) []reports.Metric {
	t := n.Totals
	count := func(name string, v int64) reports.Metric {
		return reports.Metric{Name: name, Value: reports.Number(v), Unit: "messages", Source: fromCounts}
	}
	out := []reports.Metric{
		count("sends", t.Sends), count("acks", t.Acked), count("refusals", t.Refused), count("outcome unknown", t.Unknown+t.Unsent),
		count("frames received", t.Raw), count("messages shown", t.Shown),
		{Name: "members told of throttling", Value: reports.Number(t.Throttled), Unit: "notices", Source: fromCounts},
		{Name: "gaps noticed", Value: reports.Number(t.Gaps), Unit: "gaps", Source: fromCounts},
	}
	if rate, ok := pushRate(n); ok {
		out = append(out, reports.Metric{Name: "pushes while the fault lasts", Value: reports.Number(rate), Unit: "pushes/s", Source: fromCounts, Key: rate > 0})
	}
	return out
}

// pushRate is the mean of the pushes in the fault's phase.
func pushRate(n *measure.Numbers) (float64, bool) {
	from, to := phase(n, "fault")
	for _, s := range n.Timeline.Series {
		if s.Name != measure.SeriesPushes {
			continue
		}
		sum, bins := 0.0, 0
		for i, p := range s.Points {
			at := float64(i) * float64(n.Timeline.Step)
			if at >= from && at+float64(n.Timeline.Step) <= to && !math.IsNaN(float64(p)) {
				sum += float64(p)
				bins++
			}
		}
		return sum / float64(max(bins, 1)), bins > 0
	}
	return 0, false
}

func phase(n *measure.Numbers, name string) (from, to float64) {
	for _, p := range n.Phases {
		if p.Name == name {
			return float64(p.Start), float64(p.End)
		}
	}
	return 0, 0
}

// sampled are lag, queue and the CPU of every process while the fault lasts.
func sampled(n *measure.Numbers) (out []reports.Metric) {
	pods, stores, memory := 0.0, 0.0, 0.0
	for _, s := range n.Samples {
		if s.Name == scenarios.MetricTrip {
			out = append(out, reports.Metric{Name: "round trip " + s.Label, Value: reports.Number(s.Last), Unit: "s", Source: fromCalls, Key: true})
		}
		if s.Phase != "fault" {
			continue
		}
		switch s.Name {
		case scenarios.MetricLag:
			out = append(out, reports.Metric{Name: "consumer lag at most, " + s.Label, Value: reports.Number(s.Max), Unit: "records", Source: fromLog, Key: float64(s.Max) > 100})
		case scenarios.MetricQueue:
			out = append(out, reports.Metric{Name: "sends that wait for the group limit, at most", Value: reports.Number(s.Max), Unit: "sends", Source: fromPods})
		case scenarios.MetricCPU:
			cores := (float64(s.Max) - float64(s.Min)) / max(float64(s.Span), 1)
			out = append(out, reports.Metric{Name: "cpu " + s.Label, Value: reports.Number(cores), Unit: "cores", Source: fromSystem})
			switch {
			case isStore(s.Label):
				stores += cores
			case !strings.HasPrefix(s.Label, "lab"):
				pods += cores
			}
		case scenarios.MetricRSS:
			if isStore(s.Label) {
				memory += float64(s.Max)
			}
			out = append(out, reports.Metric{Name: "memory " + s.Label + ", at most", Value: reports.Number(s.Max), Unit: "bytes", Source: fromSystem})
		}
	}
	if stores > 0 {
		out = append(out, reports.Metric{Name: "cpu of all stores while the fault lasts", Value: reports.Number(stores), Unit: "cores", Source: fromSystem, Key: true})
		out = append(out, reports.Metric{Name: "memory of all stores, at most", Value: reports.Number(memory), Unit: "bytes", Source: fromSystem, Key: true})
		steady, _ := phase(n, "steady")
		out = append(out, reports.Metric{Name: "start, until devices are connected", Value: reports.Number(steady), Unit: "s", Source: fromLab, Key: true})
	}
	return append(out, reports.Metric{Name: "cpu of all pods while the fault lasts", Value: reports.Number(pods), Unit: "cores", Source: fromSystem, Key: true})
}

// isStore tells a store's server from a pod, where stores are processes of their own.
func isStore(process string) bool {
	for _, prefix := range []string{"kafka-", "cassandra-", "redis-"} {
		if strings.HasPrefix(process, prefix) {
			return true
		}
	}
	return false
}

// labels counts the groups of conversations that are measured apart.
func labels(n *measure.Numbers) int {
	seen := map[string]bool{}
	for _, g := range n.Deliveries {
		seen[g.Label] = true
	}
	return len(seen)
}
