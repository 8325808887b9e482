package reports

import (
	"encoding/json"
	"math"
)

// A Number is a float64 that may be missing: NaN and the infinities are null in JSON.
type Number float64

// Missing is the number that was not measured.
func Missing() Number { return Number(math.NaN()) }

// Known reports whether n was measured.
func (n Number) Known() bool {
	return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0)
}

// MarshalJSON writes a missing number as null.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Known() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads null as a missing number.
func (n *Number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = Missing()
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

func (n Number) or(other float64) float64 {
	if n.Known() {
		return float64(n)
	}
	return other
}
