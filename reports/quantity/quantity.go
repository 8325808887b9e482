// Package quantity writes measured numbers the way people say them, with three significant digits and a unit.
package quantity

import (
	"math"
	"strconv"
	"strings"
)

// None stands for a number that was not measured.
const None = "–"

// Format returns the value with its unit: 50000 "pushes/s" is "50 K pushes/s", 1234 "ms" is "1.23 s",
// 0.9995 "ratio" is "99.95 %". Times, bytes and ratios choose their own unit; every other unit is kept as it is.
func Format(value float64, unit string) string {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return None
	}
	if seconds, ok := secondsIn(unit); ok {
		return duration(value * seconds)
	}
	switch unit {
	case "", "count":
		return Count(value)
	case "1/s":
		return Count(value) + "/s"
	case "bytes", "B":
		return bytes(value)
	case "bytes/s", "B/s":
		return bytes(value) + "/s"
	case "ratio":
		return percent(value)
	case "%":
		return percent(value / 100)
	}
	return Count(value) + " " + unit
}

// Count returns a bare number: 1,234 in full below ten thousand, above it 12.3 K, 4.5 M, 6.7 G or 8.9 T, and from 1e15 on the power of ten.
func Count(value float64) string {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return None
	}
	size := math.Abs(value)
	if size < 9999.5 {
		return grouped(value)
	}
	for _, scale := range []struct {
		factor float64
		name   string
	}{{1e3, " K"}, {1e6, " M"}, {1e9, " G"}} {
		if round3(size/scale.factor) < 1000 {
			return digits(value/scale.factor) + scale.name
		}
	}
	if size >= 1e15 {
		return strconv.FormatFloat(value, 'g', 3, 64)
	}
	return digits(value/1e12) + " T"
}

func grouped(value float64) string {
	if math.Abs(value) < 999.5 {
		return digits(value)
	}
	text := strconv.FormatFloat(value, 'f', 0, 64)
	return text[:len(text)-3] + "," + text[len(text)-3:]
}

func secondsIn(unit string) (float64, bool) {
	switch unit {
	case "ns":
		return 1e-9, true
	case "us", "µs":
		return 1e-6, true
	case "ms":
		return 1e-3, true
	case "s", "seconds":
		return 1, true
	case "min":
		return 60, true
	case "h":
		return 3600, true
	}
	return 0, false
}

func duration(s float64) string {
	if s < 0 {
		return "-" + duration(-s)
	}
	switch {
	case s == 0:
		return "0 s"
	case round3(s*1e9) < 1000:
		return digits(s*1e9) + " ns"
	case round3(s*1e6) < 1000:
		return digits(s*1e6) + " µs"
	case round3(s*1e3) < 1000:
		return digits(s*1e3) + " ms"
	case round3(s) < 120:
		return digits(s) + " s"
	case s < 2*3600:
		return pair(s, 60, " min", " s")
	case s < 48*3600:
		return pair(s/60, 60, " h", " min")
	}
	return digits(s/86400) + " days"
}

// pair writes 192 as "3 min 12 s"; a remainder of zero is left out.
func pair(value, base float64, large, small string) string {
	whole := math.Round(value)
	head := strconv.Itoa(int(whole/base)) + large
	if rest := math.Mod(whole, base); rest != 0 {
		return head + " " + strconv.Itoa(int(rest)) + small
	}
	return head
}

func bytes(value float64) string {
	for _, unit := range []string{" B", " KiB", " MiB", " GiB"} {
		if round3(math.Abs(value)) < 1024 {
			return digits(value) + unit
		}
		value /= 1024
	}
	return digits(value) + " TiB"
}

// percent keeps as many decimals as it takes to tell a ratio from one, so that 0.99996 never reads as 100 %.
func percent(ratio float64) string {
	for decimals := 1; decimals <= 6; decimals++ {
		text := strconv.FormatFloat(ratio*100, 'f', decimals, 64)
		if shown, _ := strconv.ParseFloat(text, 64); decimals >= 2 && (shown != 100 || ratio == 1) {
			return trimZeros(text) + " %"
		}
	}
	return strconv.FormatFloat(ratio*100, 'g', -1, 64) + " %"
}

// digits writes a number with three significant digits and no needless zeros.
func digits(value float64) string {
	rounded := round3(value)
	if math.Abs(rounded) >= 100 {
		return strconv.FormatFloat(rounded, 'f', 0, 64)
	}
	return trimZeros(strconv.FormatFloat(rounded, 'f', -1, 64))
}

func round3(value float64) float64 {
	if value == 0 || math.Abs(value) >= 100 {
		return math.Round(value)
	}
	text := strconv.FormatFloat(value, 'g', 3, 64)
	rounded, _ := strconv.ParseFloat(text, 64)
	return rounded
}

func trimZeros(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
