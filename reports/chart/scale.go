// Package chart turns time series into the geometry of line charts in a stretchable box, 1000 wide and 100 high.
package chart

import "math"

// A Scale maps values to heights, linear from zero or by powers of ten.
type Scale struct {
	Low, High float64
	Step      float64 // distance of ticks, as a factor on a logarithmic scale
	Log       bool
}

// decades bounds a logarithmic scale, so that one speck near zero does not squeeze everything else.
const decades = 9

// Linear returns the scale from zero to a round number at or above every value.
func Linear(values []float64) Scale {
	_, high := bounds(values)
	if high <= 0 {
		return Scale{High: 1, Step: 1}
	}
	step := Nice(high / 4)
	return Scale{High: math.Ceil(high/step-1e-9) * step, Step: step}
}

// Log returns the scale of whole powers of ten around the positive values, at most nine of them; what is below lies on its floor.
func Log(values []float64) Scale {
	low, high := bounds(values)
	if high <= 0 {
		return Scale{Low: 1, High: 10, Step: 10, Log: true}
	}
	bottom, top := math.Floor(math.Log10(low)+1e-9), math.Ceil(math.Log10(high)-1e-9)
	bottom = max(bottom, top-decades)
	if top <= bottom {
		top = bottom + 1
	}
	step := math.Ceil((top - bottom) / 4)
	return Scale{Low: math.Pow(10, bottom), High: math.Pow(10, top), Step: math.Pow(10, step), Log: true}
}

// At returns where a value lies between the floor, 0, and the top, 1; NaN stays NaN.
func (s Scale) At(value float64) float64 {
	if math.IsNaN(value) {
		return value
	}
	if s.Log {
		value = max(value, s.Low)
		return clamp(math.Log(value/s.Low) / math.Log(s.High/s.Low))
	}
	return clamp((value - s.Low) / (s.High - s.Low))
}

// Ticks returns the values that deserve a line and a label, from the floor up.
func (s Scale) Ticks() []float64 {
	var ticks []float64
	for i := 0; i < 20; i++ {
		tick := s.Low + float64(i)*s.Step
		if s.Log {
			tick = s.Low * math.Pow(s.Step, float64(i))
		}
		if tick > s.High*(1+1e-9) {
			break
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

// TimeTicks returns round seconds from zero up to span, at most eight or so.
func TimeTicks(span float64) []float64 {
	if span <= 0 || math.IsInf(span, 0) || math.IsNaN(span) {
		return nil
	}
	step := niceTime(span / 8)
	ticks := []float64{0}
	for t := step; t <= span*(1+1e-9); t += step {
		ticks = append(ticks, t)
	}
	return ticks
}

// Nice returns the smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is at least x.
func Nice(x float64) float64 {
	if x <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, factor := range []float64{1, 2, 2.5, 5} {
		if x <= factor*power*(1+1e-9) {
			return factor * power
		}
	}
	return 10 * power
}

func niceTime(x float64) float64 {
	for _, step := range []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400} {
		if x > 0.5 && x <= step {
			return step
		}
	}
	return Nice(x)
}

// bounds returns the smallest positive and the largest of the finite values.
func bounds(values []float64) (low, high float64) {
	low, high = math.Inf(1), 0
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) || v <= 0 {
			continue
		}
		low, high = min(low, v), max(high, v)
	}
	return low, high
}

func clamp(x float64) float64 { return min(1, max(0, x)) }
