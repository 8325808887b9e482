package reports

import (
	"math"
	"slices"
	"strings"

	"github.com/chatlab/chatlab/reports/chart"
	"github.com/chatlab/chatlab/reports/quantity"
)

// cells bounds the values drawn per line; a longer run is folded, and the page says so.
const cells = 300

// timelineView is the charts of all variants over one time axis.
type timelineView struct {
	Ticks  []tickView
	Ribbon []ribbonRow
	Bands  []bandView
	Marks  []string
	Panels []panelView
	Folded string
	Data   hoverData
}

type tickView struct {
	Percent float64
	At      string // in the box
	Text    string
}

// ribbonRow is the phases and faults of one variant.
type ribbonRow struct {
	Index  int
	Name   string
	Phases []segment
	Faults []segment
	Lanes  int // rows that the faults need, so that none hides another
}

// The heights of a ribbon row's phases and of each lane of faults, in pixels.
const (
	phaseHeight = 24
	laneHeight  = 14
)

// Height returns the pixels that the row needs.
func (row ribbonRow) Height() int { return phaseHeight + laneHeight*row.Lanes + 4 }

// Top returns the pixels above a fault in its row.
func (s segment) Top() int { return phaseHeight + laneHeight*s.Lane }

type segment struct {
	Left, Width float64 // percent
	Class       string
	Number      int
	Lane        int
	Text        string
}

type bandView struct {
	X, Width string
	Class    string
	Opacity  float64
}

type panelView struct {
	ID, Title, Help string
	Choices         []choiceView
}

type choiceView struct {
	Label, Unit string
	Axis        string
	Ticks       []tickView
	Lines       []lineView
	Empty       bool
}

type lineView struct {
	Index   int
	Variant string
	Path    string
	Peak    string
}

// hoverData is what the script needs to say which values lie under the pointer, already in words.
type hoverData struct {
	Step   float64        `json:"step"`
	Span   float64        `json:"span"`
	Count  int            `json:"count"`
	Phases [][]phaseData  `json:"phases"`
	Texts  [][][][]string `json:"texts"` // panel, choice, line, cell
}

type phaseData struct {
	Name  string  `json:"name"`
	Start float64 `json:"start"`
	End   float64 `json:"end"`
}

func (r Report) timeline() timelineView {
	span, step := 0.0, 0.0
	for _, v := range r.Variants {
		span, step = max(span, v.EndS()), max(step, v.Timeline.StepS.or(0))
	}
	grid := chart.NewGrid(span, step, cells)
	view := timelineView{Data: hoverData{Step: grid.Step, Span: grid.Span, Count: grid.Count}}
	for _, t := range chart.TimeTicks(grid.Span) {
		view.Ticks = append(view.Ticks, tickView{100 * grid.Part(t), grid.X(t), quantity.Format(t, "s")})
	}
	for i, v := range r.Variants {
		view.addVariant(grid, i, v, 1/float64(len(r.Variants)))
	}
	for _, spec := range r.panels() {
		panel, texts := r.panel(spec, grid)
		view.Panels = append(view.Panels, panel)
		view.Data.Texts = append(view.Data.Texts, texts)
	}
	if grid.Count > 0 && step > 0 && grid.Step > step*1.001 {
		view.Folded = quantity.Format(grid.Step, "s")
	}
	return view
}

func (t *timelineView) addVariant(grid chart.Grid, index int, v Variant, weight float64) {
	row := ribbonRow{Index: index, Name: v.Name}
	phases := make([]phaseData, 0, len(v.Phases))
	for i, p := range v.Phases {
		start, end := p.StartS.or(0), p.EndS.or(v.EndS())
		class := phaseClass(p.Name, i)
		row.Phases = append(row.Phases, newSegment(grid, start, end, class, i+1, p.Name))
		if class != "calm" {
			t.Bands = append(t.Bands, bandView{grid.X(start), grid.X(max(0, end-start)), class, weight})
		}
		phases = append(phases, phaseData{p.Name, start, end})
	}
	for i, f := range v.Faults {
		begun, ended := f.BegunS.or(0), f.EndedS.or(v.EndS())
		row.addFault(newSegment(grid, begun, ended, "fault", i+1, f.Text))
		for _, second := range []float64{begun, ended} {
			if inside := second > 0 && second < v.EndS(); inside {
				t.Marks = appendNew(t.Marks, grid.X(second))
			}
		}
	}
	t.Ribbon = append(t.Ribbon, row)
	t.Data.Phases = append(t.Data.Phases, phases)
}

// addFault puts a fault into the first lane where it overlaps no other; its number needs two percent of the width.
func (row *ribbonRow) addFault(fault segment) {
	taken := func(s segment) bool {
		return s.Lane == fault.Lane && fault.Left < s.Left+max(2, s.Width) && s.Left < fault.Left+max(2, fault.Width)
	}
	for slices.ContainsFunc(row.Faults, taken) {
		fault.Lane++
	}
	row.Faults = append(row.Faults, fault)
	row.Lanes = max(row.Lanes, fault.Lane+1)
}

func newSegment(grid chart.Grid, start, end float64, class string, number int, text string) segment {
	left := 100 * grid.Part(start)
	return segment{Left: round(left), Width: round(max(0, 100*grid.Part(end)-left)), Class: class, Number: number, Text: text}
}

func round(percent float64) float64 { return math.Round(percent*100) / 100 }

// phaseClass shades a phase by what its name says happens in it; a phase with another name is shaded by turns.
func phaseClass(name string, place int) string {
	lower := strings.ToLower(name)
	switch {
	case strings.Contains(lower, "fault"):
		return "fault"
	case strings.Contains(lower, "recover"):
		return "recovery"
	case strings.Contains(lower, "steady"), strings.Contains(lower, "warm"), place%2 == 0:
		return "calm"
	}
	return "recovery"
}
