package reports

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/chatlab/chatlab/reports/chart"
	"github.com/chatlab/chatlab/reports/quantity"
)

// panelSpec says which series share a panel; the reader chooses one of them, and sees it for all variants.
type panelSpec struct {
	title, help string
	log         bool
	series      []seriesSpec
}

type seriesSpec struct{ name, label string }

func knownPanels() []panelSpec {
	return []panelSpec{
		{"Sends and their answers", "What clients intended to send, what was acknowledged, what was refused with a code.", false,
			[]seriesSpec{{SeriesSends, "sends"}, {SeriesAcks, "acknowledged"}, {SeriesRefusals, "refused"}}},
		{"Deliveries", "Message frames that reached members' devices.", false, []seriesSpec{{SeriesDeliveries, "deliveries"}}},
		{"Delivery latency", "From the intended time of a send to its frame on a device.", true,
			[]seriesSpec{{SeriesP99, "p99"}, {SeriesP50, "p50"}, {SeriesMax, "max"}}},
		{"Connections", "Devices that lost their connection against their will, and those that came back.", false,
			[]seriesSpec{{SeriesReconnects, "came back"}, {SeriesLosses, "lost"}}},
		{"Consumer lag", "Messages that the log holds and the fan-out workers have not finished.", false, []seriesSpec{{SeriesLag, "lag"}}},
		{"Store reads", "What message pods read from the store, whatever for.", false, []seriesSpec{{SeriesReads, "reads"}}},
		{"Queue length", "Messages that wait in front of a limit.", false, []seriesSpec{{SeriesQueue, "queue"}}},
		{"Processor time", "Cores in use, process by process.", false, []seriesSpec{{SeriesCPU, "cpu"}}},
	}
}

// panels returns the panels that this report has series for, in a fixed order, then one for each unknown name.
func (r Report) panels() []panelSpec {
	var present []string
	for _, v := range r.Variants {
		for _, s := range v.Timeline.Series {
			present = appendNew(present, s.Name)
		}
	}
	var specs []panelSpec
	for _, spec := range knownPanels() {
		known := spec.series
		spec.series = slices.DeleteFunc(slices.Clone(known), func(s seriesSpec) bool { return !slices.Contains(present, s.name) })
		if len(spec.series) > 0 {
			specs = append(specs, spec)
		}
		present = slices.DeleteFunc(present, func(name string) bool {
			return slices.ContainsFunc(known, func(s seriesSpec) bool { return s.name == name })
		})
	}
	for _, name := range present {
		title := strings.ReplaceAll(name, "_", " ")
		specs = append(specs, panelSpec{title: title, series: []seriesSpec{{name, title}}})
	}
	return specs
}

// panel returns the view of a panel, and its values in words for the pointer.
func (r Report) panel(spec panelSpec, grid chart.Grid) (panelView, [][][]string) {
	view := panelView{ID: strings.ReplaceAll(strings.ToLower(spec.title), " ", "-"), Title: spec.title, Help: spec.help}
	var texts [][][]string
	for _, s := range spec.series {
		for _, of := range r.owners(s.name) {
			choice, words := r.choice(s, of, spec.log, grid)
			view.Choices = append(view.Choices, choice)
			texts = append(texts, words)
		}
	}
	return view, texts
}

// owners returns what the series of that name belong to, in the order of their first appearance.
func (r Report) owners(name string) []string {
	var owners []string
	for _, v := range r.Variants {
		for _, s := range v.Timeline.Series {
			if s.Name == name && !slices.Contains(owners, s.Of) {
				owners = append(owners, s.Of)
			}
		}
	}
	return owners
}

func (r Report) choice(s seriesSpec, of string, log bool, grid chart.Grid) (choiceView, [][]string) {
	view := choiceView{Label: s.label}
	if of != "" {
		view.Label = of
	}
	lines := make([][]float64, len(r.Variants))
	for i, v := range r.Variants {
		if found, ok := v.Timeline.find(s.name, of); ok {
			view.Unit = found.Unit
			view.Axis = axis(found.Unit, log)
			lines[i] = grid.Resample(floats(found.Points), v.Timeline.StepS.or(grid.Step), fold(found.Unit))
		}
	}
	all := slices.Concat(lines...)
	view.Empty = !slices.ContainsFunc(all, known)
	scale := scaleOf(all, log)
	for _, tick := range scale.Ticks() {
		view.Ticks = append(view.Ticks, tickView{round(100 * scale.At(tick)), y(scale, tick), label(tick, view.Unit)})
	}
	words := make([][]string, len(lines))
	for i, line := range lines {
		view.Lines = append(view.Lines, lineView{i, r.Variants[i].Name, grid.Path(line, scale), peak(line, view.Unit)})
		words[i] = inWords(line, view.Unit)
	}
	return view, words
}

func (t Timeline) find(name, of string) (Series, bool) {
	at := slices.IndexFunc(t.Series, func(s Series) bool { return s.Name == name && s.Of == of })
	if at < 0 {
		return Series{}, false
	}
	return t.Series[at], true
}

func scaleOf(values []float64, log bool) chart.Scale {
	if log {
		return chart.Log(values)
	}
	return chart.Linear(values)
}

// fold keeps what a cell must not hide: the mean of a rate, the worst of everything else.
func fold(unit string) chart.Fold {
	if strings.HasSuffix(unit, "/s") || unit == "cores" {
		return chart.Mean
	}
	return chart.Peak
}

// axis says what the height of a chart means, where the labels alone do not.
func axis(unit string, log bool) string {
	switch {
	case log:
		return "logarithmic scale"
	case carriesUnit(unit):
		return ""
	}
	return unit
}

func y(scale chart.Scale, tick float64) string {
	return strconv.FormatFloat(chart.Height*(1-scale.At(tick)), 'f', 1, 64)
}

// carriesUnit reports whether a number in that unit is said with a unit of its own choice, as times are.
func carriesUnit(unit string) bool {
	switch unit {
	case "ns", "us", "µs", "ms", "s", "min", "h", "bytes", "B", "bytes/s", "B/s", "ratio", "%":
		return true
	}
	return false
}

// label names a tick: with its unit where the unit changes along the axis, as times do, else the bare number.
func label(tick float64, unit string) string {
	if carriesUnit(unit) {
		return quantity.Format(tick, unit)
	}
	return quantity.Count(tick)
}

func peak(line []float64, unit string) string {
	values := slices.DeleteFunc(slices.Clone(line), func(v float64) bool { return !known(v) })
	if len(values) == 0 {
		return "no values"
	}
	return "peak " + quantity.Format(chart.Peak(values), unit)
}

func inWords(line []float64, unit string) []string {
	words := make([]string, len(line))
	for i, value := range line {
		words[i] = quantity.Format(value, unit)
	}
	return words
}

func floats(points []Number) []float64 {
	out := make([]float64, len(points))
	for i, p := range points {
		out[i] = float64(p)
	}
	return out
}

func known(value float64) bool { return !math.IsNaN(value) }
