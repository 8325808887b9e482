package terminal

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chatlab/chatlab/reports"
	"github.com/chatlab/chatlab/reports/quantity"
)

// Verdict writes what a run came to: the promises of every variant side by side, the key numbers, what was not
// foretold and why, and where in dir the files are. Lines are at most width columns long, but for paths and commands.
func Verdict(w io.Writer, r reports.Report, dir string, width int, color bool) error {
	v := view{report: r, width: max(20, width), pen: pen{color}}
	v.heading()
	v.promises()
	v.numbers()
	v.surprises()
	v.conclusion()
	v.files(dir)
	if _, err := io.WriteString(w, v.out.String()); err != nil {
		return fmt.Errorf("write verdict: %w", err)
	}
	return nil
}

type view struct {
	out    strings.Builder
	report reports.Report
	width  int
	pen    pen
}

func (v *view) heading() {
	v.line(bold, v.report.Question)
	facts := []string{v.report.Scenario}
	if v.report.World != "" {
		facts = append(facts, "world "+v.report.World)
	}
	if v.report.Size != "" {
		facts = append(facts, "size "+v.report.Size)
	}
	facts = append(facts, fmt.Sprintf("seed %d", v.report.Seed))
	if v.report.DurationS.Known() {
		facts = append(facts, quantity.Format(float64(v.report.DurationS), "s"))
	}
	v.line(dim, strings.Join(facts, ", "))
	for _, s := range v.report.Scale {
		v.line(dim, "scaled down: "+s.String())
	}
}

func (v *view) promises() {
	t := table{head: v.head("promise")}
	for _, name := range names(v.report.Variants, propertyNames) {
		row := []cell{{text: clean(name), style: plain}}
		for _, variant := range v.report.Variants {
			row = append(row, promise(variant, name))
		}
		t.rows = append(t.rows, row)
	}
	last := []cell{{text: "verdict", style: bold}}
	for _, variant := range v.report.Variants {
		last = append(last, cell{text: clean(variant.Verdict.Mark() + " " + word(variant.Verdict)), style: verdictStyle(variant.Verdict)})
	}
	t.rows = append(t.rows, last)
	v.table(t)
}

// numbers writes the key metrics of any variant, for all variants.
func (v *view) numbers() {
	t := table{head: v.head("measured")}
	for _, name := range names(v.report.Variants, keyNames) {
		row := []cell{{text: clean(name), style: plain}}
		for _, variant := range v.report.Variants {
			row = append(row, metric(variant, name))
		}
		t.rows = append(t.rows, row)
	}
	if len(t.rows) > 0 {
		v.table(t)
	}
}

// surprises writes what was not foretold, or not decided, with its first witnesses.
func (v *view) surprises() {
	for _, variant := range v.report.Variants {
		for _, p := range variant.Properties {
			if p.Status == reports.OK {
				continue
			}
			v.out.WriteString("\n")
			v.line(styleOf(p), fmt.Sprintf("%s %s, %s: expected %s, observed %s", p.Mark(), variant.Name, p.Name, p.Expected, p.Observed))
			v.indented(p.Detail)
			for _, w := range p.Witnesses[:min(3, len(p.Witnesses))] {
				v.indented(w.String())
			}
			if more := len(p.Witnesses) - 3; more > 0 {
				v.indented(fmt.Sprintf("and %d more in the report", more))
			}
		}
	}
}

func (v *view) conclusion() {
	v.out.WriteString("\n")
	v.line(verdictStyle(v.report.Verdict), v.report.Verdict.Mark()+" "+strings.ToUpper(word(v.report.Verdict)))
	v.line(plain, v.report.Sentence())
	if v.report.World != "containers" {
		v.line(dim, "The stores were stand-ins: no number here is Kafka's, Redis's or Cassandra's own.")
	}
}

// files names what the run left behind; these lines are for copying, so they are never broken.
func (v *view) files(dir string) {
	var rows [][2]string
	if dir != "" {
		rows = append(rows,
			[2]string{"page", filepath.Join(dir, reports.PageFile)},
			[2]string{"data", filepath.Join(dir, reports.JSONFile)},
			[2]string{"for CI", filepath.Join(dir, reports.JUnitFile)})
		for _, variant := range v.report.Variants {
			if variant.History != "" {
				rows = append(rows, [2]string{"history", filepath.Join(dir, variant.History)})
			}
		}
	}
	if v.report.Reproduce != "" {
		rows = append(rows, [2]string{"again", v.report.Reproduce})
	}
	if len(rows) > 0 {
		v.out.WriteString("\n")
	}
	for _, row := range rows {
		v.out.WriteString(v.pen.in(dim, pad(row[0], 9)) + clean(row[1]) + "\n")
	}
}

func (v *view) head(first string) []cell {
	head := []cell{{text: first, style: dim}}
	for _, variant := range v.report.Variants {
		head = append(head, cell{text: clean(variant.Name), style: bold})
	}
	return head
}

func (v *view) table(t table) {
	v.out.WriteString("\n")
	t.write(&v.out, v.pen, v.width)
}

func (v *view) line(s style, text string) {
	for _, line := range wrap(clean(text), v.width) {
		v.out.WriteString(v.pen.in(s, line) + "\n")
	}
}

func (v *view) indented(text string) {
	for _, line := range wrap(clean(text), v.width-4) {
		v.out.WriteString("    " + line + "\n")
	}
}

func promise(variant reports.Variant, name string) cell {
	at := slices.IndexFunc(variant.Properties, func(p reports.Property) bool { return p.Name == name })
	if at < 0 {
		return cell{text: "not checked", style: dim, short: quantity.None}
	}
	p := variant.Properties[at]
	phrase := clean(p.Mark() + " " + p.Phrase())
	return cell{text: phrase, style: styleOf(p), short: strings.Replace(phrase, "broken, ", "", 1)}
}

func styleOf(p reports.Property) style {
	switch {
	case p.Status == reports.Unexpected:
		return red
	case p.Mark() == "✓":
		return green
	}
	return yellow
}

func verdictStyle(verdict reports.Verdict) style {
	switch verdict {
	case reports.Passed:
		return green
	case reports.Failed:
		return red
	}
	return yellow
}

func word(verdict reports.Verdict) string {
	if verdict == "" {
		return "no verdict"
	}
	return string(verdict)
}

func metric(variant reports.Variant, name string) cell {
	at := slices.IndexFunc(variant.Metrics, func(m reports.Metric) bool { return m.Name == name })
	if at < 0 {
		return cell{text: quantity.None, style: dim}
	}
	m := variant.Metrics[at]
	return cell{text: clean(quantity.Format(float64(m.Value), m.Unit)), style: plain}
}

// names returns what of says of the variants, each once, in the order of first appearance.
func names(variants []reports.Variant, of func(reports.Variant) []string) []string {
	var all []string
	for _, variant := range variants {
		for _, name := range of(variant) {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

func propertyNames(variant reports.Variant) []string {
	list := make([]string, len(variant.Properties))
	for i, p := range variant.Properties {
		list[i] = p.Name
	}
	return list
}

func keyNames(variant reports.Variant) []string {
	var list []string
	for _, m := range variant.KeyMetrics() {
		list = append(list, m.Name)
	}
	return list
}
