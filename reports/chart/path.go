package chart

import (
	"math"
	"strconv"
	"strings"
)

// The box that paths are drawn in; pages stretch it to the width they have.
const (
	Width  = 1000
	Height = 100

	lone = 6 // width of a value without neighbours
)

// A Grid is the clock that several series share: Count cells of Step seconds, of a chart Span seconds wide.
type Grid struct {
	Step  float64
	Count int
	Span  float64
}

// NewGrid returns a grid over span seconds with cells of at least step, and at most limit of them.
func NewGrid(span, step float64, limit int) Grid {
	if !(span > 0) || math.IsInf(span, 0) {
		return Grid{}
	}
	if !(step > 0) || math.IsInf(step, 0) {
		step = span / float64(limit)
	}
	if span/step > float64(limit) {
		step *= math.Ceil(span / step / float64(limit))
	}
	return Grid{Step: step, Count: max(1, int(math.Ceil(span/step-1e-9))), Span: span}
}

// Middle returns the second in the middle of a cell, never beyond the span.
func (g Grid) Middle(cell int) float64 { return min(g.Span, (float64(cell)+0.5)*g.Step) }

// A Fold makes one value of the known values that fall into one cell.
type Fold func(values []float64) float64

// Mean folds rates: what passed per second.
func Mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// Peak folds levels: the worst that was seen.
func Peak(values []float64) float64 {
	peak := values[0]
	for _, v := range values {
		peak = max(peak, v)
	}
	return peak
}

// Resample puts points that are step seconds apart onto the grid; a cell without a known value is NaN.
func (g Grid) Resample(points []float64, step float64, fold Fold) []float64 {
	cells := make([][]float64, g.Count)
	for i, value := range points {
		cell := int((float64(i) + 0.5) * step / g.Step)
		if cell >= 0 && cell < g.Count && !math.IsNaN(value) && !math.IsInf(value, 0) {
			cells[cell] = append(cells[cell], value)
		}
	}
	out := make([]float64, g.Count)
	for i, values := range cells {
		out[i] = math.NaN()
		if len(values) > 0 {
			out[i] = fold(values)
		}
	}
	return out
}

// Path returns the SVG path of values on the grid, broken where a value is missing; a lone value is a
// short stroke, which shows under every pattern of dashes.
func (g Grid) Path(values []float64, scale Scale) string {
	var path strings.Builder
	pen := false
	for i, value := range values {
		if math.IsNaN(value) {
			pen = false
			continue
		}
		x, y := Width*g.Part(g.Middle(i)), number(Height*(1-scale.At(value)))
		switch last := i+1 == len(values) || math.IsNaN(values[i+1]); {
		case pen:
			path.WriteString("L" + number(x) + " " + y)
		case last:
			path.WriteString("M" + number(x-lone/2) + " " + y + "h" + number(lone))
		default:
			path.WriteString("M" + number(x) + " " + y)
		}
		pen = true
	}
	return path.String()
}

// X returns where a second of the run lies in the box, as text.
func (g Grid) X(second float64) string { return number(Width * g.Part(second)) }

// Part returns where a second of the run lies between the left edge, 0, and the right edge, 1.
func (g Grid) Part(second float64) float64 {
	if !(g.Span > 0) || math.IsNaN(second) {
		return 0
	}
	return clamp(second / g.Span)
}

func number(x float64) string {
	return trimZeros(strconv.FormatFloat(x, 'f', 1, 64))
}

func trimZeros(text string) string { return strings.TrimSuffix(text, ".0") }
