package reports

import (
	"slices"
	"strconv"
	"strings"

	"github.com/chatlab/chatlab/reports/quantity"
)

// promiseRow is one promise with what became of it in every variant.
type promiseRow struct {
	Name, Promise string
	Cells         []promiseCell
	Evidence      []promiseCell // the cells that have more to say
	Columns       int
	Open          bool // something here was not foretold
}

type promiseCell struct {
	Property
	Index         int
	Variant       string
	Class         string
	Checked       bool
	WitnessesText []string
}

func (r Report) promises() []promiseRow {
	var rows []promiseRow
	for _, name := range r.propertyNames() {
		row := promiseRow{Name: name, Columns: 1 + len(r.Variants)}
		for i, v := range r.Variants {
			cell := v.promise(i, name)
			row.Cells = append(row.Cells, cell)
			if row.Promise == "" {
				row.Promise = cell.Promise
			}
			if cell.Detail != "" || len(cell.Witnesses) > 0 {
				row.Evidence = append(row.Evidence, cell)
			}
			row.Open = row.Open || cell.Checked && cell.Status != OK
		}
		rows = append(rows, row)
	}
	return rows
}

func (r Report) propertyNames() []string {
	var names []string
	for _, v := range r.Variants {
		for _, p := range v.Properties {
			names = appendNew(names, p.Name)
		}
	}
	return names
}

func (v Variant) promise(index int, name string) promiseCell {
	cell := promiseCell{Index: index, Variant: v.Name, Class: "absent"}
	at := slices.IndexFunc(v.Properties, func(p Property) bool { return p.Name == name })
	if at < 0 {
		return cell
	}
	cell.Property, cell.Checked = v.Properties[at], true
	cell.Class = cell.Property.class()
	for _, w := range cell.Witnesses {
		cell.WitnessesText = append(cell.WitnessesText, w.String())
	}
	return cell
}

// class names the look of a cell: ok, foretold, bad or undecided.
func (p Property) class() string {
	switch {
	case p.Status == Unexpected:
		return "bad"
	case p.Mark() == "?":
		return "undecided"
	case p.Observed == Broken:
		return "foretold"
	}
	return "ok"
}

// metrics returns a row for each metric of any variant, with the variants side by side.
func (r Report) metrics() []tableRow {
	var names []string
	for _, v := range r.Variants {
		for _, m := range v.Metrics {
			names = appendNew(names, m.Name)
		}
	}
	rows := make([]tableRow, len(names))
	for i, name := range names {
		rows[i] = r.metricRow(name)
	}
	return rows
}

func (r Report) metricRow(name string) tableRow {
	row := tableRow{Name: name}
	var sources []string
	for _, v := range r.Variants {
		cell := tableCell{Text: quantity.None}
		if at := slices.IndexFunc(v.Metrics, func(m Metric) bool { return m.Name == name }); at >= 0 {
			m := v.Metrics[at]
			cell.Text = quantity.Format(float64(m.Value), m.Unit)
			cell.Exact = exact(m)
			sources = appendNew(sources, m.Source)
		}
		row.Cells = append(row.Cells, cell)
	}
	row.Source = strings.Join(sources, "; ")
	return row
}

func exact(m Metric) string {
	if !m.Value.Known() {
		return "not measured"
	}
	return strings.TrimSpace(strconv.FormatFloat(float64(m.Value), 'f', -1, 64) + " " + m.Unit)
}

// switches returns a row for each switch of any variant; those that differ between variants are the experiment.
func (r Report) switches() []tableRow {
	names := map[string]string{}
	for _, v := range r.Variants {
		for name, value := range v.Switches {
			names[name] = value
		}
	}
	var rows []tableRow
	for _, name := range sortedKeys(names) {
		row := tableRow{Name: name}
		for _, v := range r.Variants {
			value, set := v.Switches[name]
			if !set {
				value = quantity.None
			}
			row.Differs = row.Differs || value != names[name]
			row.Cells = append(row.Cells, tableCell{Text: value})
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b tableRow) int { return rank(a) - rank(b) })
	return rows
}

func rank(row tableRow) int {
	if row.Differs {
		return 0
	}
	return 1
}

func appendNew(list []string, name string) []string {
	if name == "" || slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}
