package reports

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/chatlab/chatlab/reports/quantity"
)

//go:embed page
var assets embed.FS

// Page writes the report as one HTML file that needs nothing else: no network, no script to be read, no font to be
// fetched. Its script only adds what paper cannot do: values under the pointer, and a choice of series.
func (r Report) Page(w io.Writer) error {
	layout, err := template.ParseFS(assets, "page/*.html")
	if err != nil {
		return fmt.Errorf("parse page: %w", err)
	}
	style, err := assets.ReadFile("page/report.css")
	if err != nil {
		return fmt.Errorf("read page style: %w", err)
	}
	script, err := assets.ReadFile("page/report.js")
	if err != nil {
		return fmt.Errorf("read page script: %w", err)
	}
	view := r.view()
	view.Style, view.Script = template.CSS(style), template.JS(script) //nolint:gosec // both are files of this package
	if err := layout.ExecuteTemplate(w, "report.html", view); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	return nil
}

// pageView is what the template reads: the report, with every number already in words.
type pageView struct {
	Report
	Sentence string
	Facts    []fact
	Scales   []string
	Claims   []claimView
	Cards    []card
	Switches []tableRow
	Timeline timelineView
	Promises []promiseRow
	Metrics  []tableRow
	Faults   bool
	Glossary []fact
	StandIns bool
	Style    template.CSS
	Script   template.JS
}

type fact struct{ Name, Text string }

type claimView struct {
	Claim
	Class   string
	Figures []figure
}

type figure struct {
	fact
	Variant int // index of the variant, -1 for none that the report has
	Of      string
}

type card struct {
	Variant
	Index   int
	Figures []keyFigure
	Faults  []faultView
}

// keyFigure is a metric with its unit apart, so that it can be set smaller.
type keyFigure struct{ Name, Number, Unit string }

type faultView struct {
	Number            int
	Text, From, Until string
}

type tableRow struct {
	Name, Source string
	Cells        []tableCell
	Differs      bool
}

type tableCell struct{ Text, Exact string }

func (r Report) view() pageView {
	view := pageView{
		Report:   r,
		Sentence: r.Sentence(),
		Facts:    r.facts(),
		Scales:   r.scales(),
		Claims:   r.claims(),
		Switches: r.switches(),
		Timeline: r.timeline(),
		Promises: r.promises(),
		Metrics:  r.metrics(),
		Glossary: glossary(),
		StandIns: r.World != "containers",
	}
	for i, v := range r.Variants {
		view.Cards = append(view.Cards, v.card(i))
		view.Faults = view.Faults || len(v.Faults) > 0
	}
	return view
}

func (r Report) facts() []fact {
	list := []fact{
		{"World", join2(r.World, r.WorldReason)},
		{"Size", r.Size},
		{"Seed", fmt.Sprint(r.Seed)},
		{"Commit", r.Commit},
		{"Took", quantity.Format(float64(r.DurationS), "s")},
		{"Machine", r.Machine.String()},
	}
	if !r.Started.IsZero() {
		list = append(list, fact{"Started", r.Started.UTC().Format("2 January 2006, 15:04 UTC")})
	}
	return slices.DeleteFunc(list, func(f fact) bool { return f.Text == "" || f.Text == quantity.None })
}

func (r Report) scales() []string {
	words := make([]string, len(r.Scale))
	for i, s := range r.Scale {
		words[i] = s.String()
	}
	return words
}

// String returns the departure in words: "presence TTL by 10 (a test takes seconds)".
func (s Scale) String() string {
	words := s.What + " by " + quantity.Count(float64(s.Factor))
	if s.Reason == "" {
		return words
	}
	return words + " (" + s.Reason + ")"
}

// String returns the machine in a few words.
func (m Machine) String() string {
	var words []string
	if m.Cores > 0 {
		words = append(words, fmt.Sprintf("%d cores", m.Cores))
	}
	if m.MemoryBytes > 0 {
		words = append(words, quantity.Format(float64(m.MemoryBytes), "bytes"))
	}
	if m.OS != "" {
		words = append(words, m.OS)
	}
	return strings.Join(words, ", ")
}

func (r Report) claims() []claimView {
	list := make([]claimView, len(r.Claims))
	for i, c := range r.Claims {
		list[i] = claimView{Claim: c, Class: strings.ReplaceAll(string(c.Verdict), " ", "-")}
		for _, m := range c.Measured {
			text := quantity.Format(float64(m.Value), m.Unit)
			list[i].Figures = append(list[i].Figures, figure{fact{m.Name, text}, r.index(m.Variant), m.Variant})
		}
	}
	return list
}

func (r Report) index(variant string) int {
	return slices.IndexFunc(r.Variants, func(v Variant) bool { return v.Name == variant })
}

func (v Variant) card(index int) card {
	c := card{Variant: v, Index: index}
	for _, m := range v.KeyMetrics() {
		text := quantity.Format(float64(m.Value), m.Unit)
		number, found := strings.CutSuffix(text, " "+m.Unit)
		figure := keyFigure{Name: m.Name, Number: number}
		if found {
			figure.Unit = m.Unit
		}
		c.Figures = append(c.Figures, figure)
	}
	for i, f := range v.Faults {
		c.Faults = append(c.Faults, faultView{
			Number: i + 1,
			Text:   f.Text,
			From:   quantity.Format(float64(f.BegunS), "s"),
			Until:  until(f.EndedS),
		})
	}
	return c
}

func until(ended Number) string {
	if !ended.Known() {
		return "the end"
	}
	return quantity.Format(float64(ended), "s")
}

func join2(head, tail string) string {
	if tail == "" {
		return head
	}
	return head + ": " + tail
}
