package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// JSON returns the stable form of the report: indented, lists never null, the numbers of a series on one line.
func (r Report) JSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r.complete()); err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	return joinNumbers(text.String()), nil
}

// complete returns a copy of the report with its version set and empty lists in place of nil ones.
func (r Report) complete() Report {
	r.Version = Version
	r.Started = r.Started.UTC()
	r.Claims = mapped(r.Claims, func(c Claim) Claim {
		c.Measured = mapped(c.Measured, same)
		return c
	})
	r.Scale = mapped(r.Scale, same)
	r.Variants = mapped(r.Variants, Variant.complete)
	return r
}

func (v Variant) complete() Variant {
	if v.Switches == nil {
		v.Switches = map[string]string{}
	}
	v.Properties = mapped(v.Properties, func(p Property) Property {
		p.Witnesses = mapped(p.Witnesses, same)
		return p
	})
	v.Metrics = mapped(v.Metrics, same)
	v.Faults = mapped(v.Faults, same)
	v.Phases = mapped(v.Phases, same)
	v.Timeline.Series = mapped(v.Timeline.Series, func(s Series) Series {
		s.Points = mapped(s.Points, same)
		return s
	})
	return v
}

func same[T any](value T) T { return value }

func mapped[T any](list []T, change func(T) T) []T {
	out := make([]T, len(list))
	for i, value := range list {
		out[i] = change(value)
	}
	return out
}

// joinNumbers puts list elements that are bare numbers or null on the line of their bracket:
// a timeline is thousands of them, and indented JSON would give each a line.
func joinNumbers(indented string) []byte {
	var out bytes.Buffer
	inNumbers := false
	for line := range strings.Lines(indented) {
		word := strings.TrimSpace(line)
		bare := word != "" && !strings.ContainsAny(word[:1], `"{}[]`)
		switch {
		case bare:
			trimNewline(&out)
			if inNumbers {
				out.WriteByte(' ')
			}
			out.WriteString(word + "\n")
		case inNumbers:
			trimNewline(&out)
			out.WriteString(word + "\n")
		default:
			out.WriteString(line)
		}
		inNumbers = bare
	}
	return out.Bytes()
}

func trimNewline(out *bytes.Buffer) {
	if bytes.HasSuffix(out.Bytes(), []byte("\n")) {
		out.Truncate(out.Len() - 1)
	}
}
