package chart_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/reports/chart"
)

var missing = math.NaN()

func TestLinearScaleEndsAtARoundNumber(t *testing.T) {
	scale := chart.Linear([]float64{3, 47812, missing})
	assert.Equal(t, 60000.0, scale.High)
	assert.Equal(t, []float64{0, 20000, 40000, 60000}, scale.Ticks())
	assert.Equal(t, 0.5, scale.At(30000))
}

func TestLogScaleHoldsWholePowersOfTen(t *testing.T) {
	scale := chart.Log([]float64{0, 8, 41000})
	assert.Equal(t, 1.0, scale.Low)
	assert.Equal(t, 100000.0, scale.High)
	assert.InDelta(t, 0.4, scale.At(100), 1e-9)
	assert.Zero(t, scale.At(0), "zero lies on the floor")
}

func TestScalesOfNothingStillHaveTicks(t *testing.T) {
	for _, values := range [][]float64{nil, {0, 0}, {missing}, {math.Inf(1)}, {-3}} {
		assert.NotEmpty(t, chart.Linear(values).Ticks())
		assert.NotEmpty(t, chart.Log(values).Ticks())
	}
}

func TestEveryValueLiesInsideItsScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOf(rapid.Float64Range(0, 1e9)).Draw(t, "values")
		for _, scale := range []chart.Scale{chart.Linear(values), chart.Log(values)} {
			ticks := scale.Ticks()
			assert.LessOrEqual(t, len(ticks), 7)
			for _, v := range values {
				assert.LessOrEqual(t, v, scale.High*(1+1e-9))
				assert.True(t, scale.At(v) >= 0 && scale.At(v) <= 1)
			}
		}
	})
}

func TestPathBreaksWhereAValueIsMissing(t *testing.T) {
	grid := chart.NewGrid(4, 1, 100)
	path := grid.Path([]float64{0, 1, missing, 1}, chart.Linear([]float64{1}))
	assert.Equal(t, "M125 100L375 0M872 0h6", path)
	assert.Empty(t, grid.Path([]float64{missing}, chart.Scale{High: 1}))
}

func TestResampleFoldsWhatFallsIntoOneCell(t *testing.T) {
	grid := chart.NewGrid(6, 1, 3)
	assert.Equal(t, chart.Grid{Step: 2, Count: 3, Span: 6}, grid)
	points := []float64{1, 3, missing, 8, missing, missing}
	assert.Equal(t, "[2 8 NaN]", printed(grid.Resample(points, 1, chart.Mean)))
	assert.Equal(t, "[3 8 NaN]", printed(grid.Resample(points, 1, chart.Peak)))
}

func TestGridOfNothingIsEmpty(t *testing.T) {
	for _, span := range []float64{0, -1, missing, math.Inf(1)} {
		grid := chart.NewGrid(span, 1, 10)
		assert.Zero(t, grid.Count)
		assert.Empty(t, grid.Resample([]float64{1}, 1, chart.Mean))
		assert.Zero(t, grid.Part(3))
	}
}

func TestTimeTicksAreRound(t *testing.T) {
	assert.Equal(t, []float64{0, 15, 30, 45, 60, 75, 90}, chart.TimeTicks(90))
	assert.Equal(t, []float64{0, 1, 2, 3, 4, 5}, chart.TimeTicks(5.2))
	assert.Len(t, chart.TimeTicks(7*86400), 8)
	assert.Empty(t, chart.TimeTicks(missing))
	assert.LessOrEqual(t, len(chart.TimeTicks(0.004)), 9)
}

func printed(values []float64) string { return fmt.Sprint(values) }
