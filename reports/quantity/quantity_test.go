package quantity_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/reports/quantity"
)

func TestNumbersReadAsPeopleSayThem(t *testing.T) {
	for _, c := range []struct {
		value float64
		unit  string
		want  string
	}{
		{50000, "pushes/s", "50 K pushes/s"},
		{49812, "pushes/s", "49.8 K pushes/s"},
		{1.2, "s", "1.2 s"},
		{1234, "ms", "1.23 s"},
		{999.7, "ms", "1 s"},
		{0.45, "ms", "450 µs"},
		{80, "ns", "80 ns"},
		{0, "ms", "0 s"},
		{192, "s", "3 min 12 s"},
		{180, "s", "3 min"},
		{119.99, "s", "2 min"},
		{7 * 86400, "s", "7 days"},
		{2.5, "h", "2 h 30 min"},
		{-0.2, "s", "-200 ms"},
		{9874, "messages", "9,874 messages"},
		{9999.6, "messages", "10 K messages"},
		{999.7, "", "1,000"},
		{999960, "", "1 M"},
		{78e9, "writes", "78 G writes"},
		{4e14, "", "400 T"},
		{4e300, "", "4e+300"},
		{0.46, "cores", "0.46 cores"},
		{0.00042, "cores", "0.00042 cores"},
		{12, "1/s", "12/s"},
		{0.9995, "ratio", "99.95 %"},
		{0.99996, "ratio", "99.996 %"},
		{0.999999999, "ratio", "99.9999999 %"},
		{1, "ratio", "100 %"},
		{0, "ratio", "0 %"},
		{85, "%", "85 %"},
		{16 << 10, "bytes", "16 KiB"},
		{1023.9, "bytes", "1 KiB"},
		{5e6, "bytes/s", "4.77 MiB/s"},
		{0, "count", "0"},
		{math.NaN(), "ms", "–"},
		{math.Inf(1), "messages", "–"},
	} {
		assert.Equal(t, c.want, quantity.Format(c.value, c.unit), "%v %s", c.value, c.unit)
	}
}

func TestEveryNumberStaysShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Float64Range(-1e12, 1e12).Draw(t, "value")
		unit := rapid.SampledFrom([]string{"", "ms", "bytes", "cores", "messages"}).Draw(t, "unit")
		if math.Abs(value) < 1e-3 {
			value = 0
		}
		assert.LessOrEqual(t, len(quantity.Format(value, unit)), 22)
	})
}
