package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// WriteJSONLines writes a history as JSON lines, the header first; SCHEMA.md describes them. A history that is cut is
// written up to the cut, and the error says so.
func WriteJSONLines(w io.Writer, r *Reader) error {
	out := bufio.NewWriterSize(w, 256<<10)
	head, err := json.Marshal(struct {
		Kind string `json:"kind"`
		Header
	}{"header", r.Header()})
	if err != nil {
		return fmt.Errorf("write header line: %w", err)
	}
	line, list, e := append(head, '\n'), schemas(), Event{}
	for err = nil; err == nil; err = r.Next(&e) {
		if e.Kind != 0 {
			line = appendLine(line[:0], &e, &list[e.Kind], r.Name)
		}
		if _, err := out.Write(line); err != nil {
			return fmt.Errorf("write line: %w", err)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, out.Flush())
}

func appendLine(b []byte, e *Event, s *schema, name func(ID) string) []byte {
	b = append(b, `{"at_ms":`...)
	b = appendMillis(b, e.At)
	b = append(append(append(b, `,"kind":"`...), s.name...), '"')
	for _, f := range s.fields {
		v := e.get(f)
		if v == 0 && f != fValue {
			continue
		}
		b = append(append(append(b, ',', '"'), f.key()...), '"', ':')
		switch {
		case f.isID():
			b = appendString(b, name(ID(v)))
		case f == fIntended || f == fRetryAfter:
			b = appendMillis(b, time.Duration(v))
		case f == fValue:
			b = appendFloat(b, e.Value)
		default:
			b = strconv.AppendInt(b, v, 10)
		}
	}
	return append(b, '}', '\n')
}

// appendMillis writes a time exactly: up to six digits behind the point.
func appendMillis(b []byte, d time.Duration) []byte {
	ms, ns := int64(d)/1e6, int64(d)%1e6
	if d < 0 {
		b, ms, ns = append(b, '-'), -ms, -ns
	}
	b = strconv.AppendInt(b, ms, 10)
	if ns == 0 {
		return b
	}
	digits := strconv.AppendInt(nil, 1e6+ns, 10)[1:]
	for digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return append(append(b, '.'), digits...)
}

// appendFloat writes null for what JSON has no number for.
func appendFloat(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string never fails
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
