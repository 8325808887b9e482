package measure

import (
	"encoding/json"
	"math"
	"time"
)

// Number is a float64 whose JSON is null where nothing was measured.
type Number float64

// None is the Number of nothing measured.
func None() Number { return Number(math.NaN()) }

// MarshalJSON writes the number, or null.
func (n Number) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads a number, or null.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = None()
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

func seconds(d time.Duration) Number { return Number(d.Seconds()) }
