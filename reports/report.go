// Package reports holds the judged runs of one scenario as a value with a stable JSON form and renders the views of it.
package reports

import "time"

// Version is the schema version that [Write] stamps on report.json; a field that changes its meaning raises it.
const Version = 1

// A Report is everything that one run of a scenario says about a question, in all its variants.
// SCHEMA.md describes the JSON form field by field.
type Report struct {
	Version  int     `json:"version"`
	Scenario string  `json:"scenario"`
	Question string  `json:"question"`
	Claims   []Claim `json:"claims"`

	World       string  `json:"world"`
	WorldReason string  `json:"world_reason"`
	Seed        uint64  `json:"seed"`
	Size        string  `json:"size"`
	Scale       []Scale `json:"scale"`

	Commit    string    `json:"commit"`
	Started   time.Time `json:"started"`
	DurationS Number    `json:"duration_s"`
	Machine   Machine   `json:"machine"`

	Verdict   Verdict   `json:"verdict"`
	Reproduce string    `json:"reproduce"`
	Variants  []Variant `json:"variants"`
}

// A Claim is one checkable sentence of the reference design, in the lab's own words, beside what was measured.
type Claim struct {
	ID        string        `json:"id"`
	Text      string        `json:"text"`
	Measured  []Measurement `json:"measured"`
	Verdict   ClaimVerdict  `json:"verdict"`
	Condition string        `json:"condition"` // completes "only if"; a short reason otherwise
}

// A Measurement is the number that one variant sets against a claim.
type Measurement struct {
	Variant string `json:"variant"`
	Name    string `json:"name"`
	Value   Number `json:"value"`
	Unit    string `json:"unit"`
}

// A Scale says by what factor a run departs from the reference design's own numbers, and why.
type Scale struct {
	What   string `json:"what"`
	Factor Number `json:"factor"`
	Reason string `json:"reason"`
}

// A Machine is what the run had to share between system, stand-ins and lab.
type Machine struct {
	Cores       int    `json:"cores"`
	MemoryBytes int64  `json:"memory_bytes"`
	OS          string `json:"os"`
}

// A Variant is one run of the scenario under one set of switches.
type Variant struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Switches    map[string]string `json:"switches"`
	Verdict     Verdict           `json:"verdict"`
	Why         string            `json:"why"`
	Properties  []Property        `json:"properties"`
	Metrics     []Metric          `json:"metrics"`
	Faults      []Fault           `json:"faults"`
	Phases      []Phase           `json:"phases"`
	Timeline    Timeline          `json:"timeline"`
	History     string            `json:"history"`
}

// A Property is one promise, what the variant was expected to do with it, and what it did.
type Property struct {
	Name      string    `json:"name"`
	Promise   string    `json:"promise"`
	Expected  Outcome   `json:"expected"`
	Observed  Outcome   `json:"observed"`
	Status    Status    `json:"status"`
	Detail    string    `json:"detail"`
	Witnesses []Witness `json:"witnesses"`
}

// A Witness is one event of the history that shows an outcome, AtS seconds after the run began.
type Witness struct {
	AtS  Number `json:"at_s"`
	Text string `json:"text"`
}

// A Metric is one measured number; Source says where it was measured, Key puts it into summaries.
type Metric struct {
	Name   string `json:"name"`
	Value  Number `json:"value"`
	Unit   string `json:"unit"`
	Source string `json:"source"`
	Key    bool   `json:"key,omitempty"`
}

// A Fault is an injected fault in its text form; EndedS is [Missing] for one that was never undone.
type Fault struct {
	Text   string `json:"text"`
	BegunS Number `json:"begun_s"`
	EndedS Number `json:"ended_s"`
}

// A Phase is a named stretch of a run, in seconds after the run began.
type Phase struct {
	Name   string `json:"name"`
	StartS Number `json:"start_s"`
	EndS   Number `json:"end_s"`
}

// A Timeline is a set of series on one clock: point i covers the seconds from i*StepS to (i+1)*StepS of the run.
type Timeline struct {
	StepS  Number   `json:"step_s"`
	Series []Series `json:"series"`
}

// A Series is one measure over time; Of names the partition, queue or process it belongs to, if there are several.
type Series struct {
	Name   string   `json:"name"`
	Of     string   `json:"of,omitempty"`
	Unit   string   `json:"unit"`
	Points []Number `json:"points"`
}

// The names of series that the views know how to group; any other name gets a chart of its own.
const (
	SeriesSends      = "sends"
	SeriesAcks       = "acks"
	SeriesRefusals   = "refusals"
	SeriesDeliveries = "deliveries"
	SeriesLag        = "consumer_lag"
	SeriesP50        = "delivery_latency_p50"
	SeriesP99        = "delivery_latency_p99"
	SeriesMax        = "delivery_latency_max"
	SeriesLosses     = "connections_lost"
	SeriesReconnects = "reconnects"
	SeriesReads      = "store_reads"
	SeriesQueue      = "queue_length"
	SeriesCPU        = "cpu"
)

// KeyMetrics returns the variant's metrics marked as key, or its first four where none is marked.
func (v Variant) KeyMetrics() []Metric {
	var key []Metric
	for _, m := range v.Metrics {
		if m.Key {
			key = append(key, m)
		}
	}
	if len(key) == 0 {
		return v.Metrics[:min(4, len(v.Metrics))]
	}
	return key
}

// EndS returns the second at which the last phase or the last point of the variant's run ends.
func (v Variant) EndS() float64 {
	end := 0.0
	for _, p := range v.Phases {
		end = max(end, p.EndS.or(0))
	}
	for _, s := range v.Timeline.Series {
		end = max(end, v.Timeline.StepS.or(0)*float64(len(s.Points)))
	}
	return end
}
