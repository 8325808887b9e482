package history

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Format writes an event for people: the kind and its fields that are not zero.
func (e *Event) Format(name func(ID) string) string {
	var b strings.Builder
	b.WriteString(e.Kind.String())
	if e.Kind == 0 || e.Kind >= kinds {
		return b.String()
	}
	for _, f := range schemas()[e.Kind].fields {
		if v := e.value(f, name); v != "" {
			fmt.Fprintf(&b, " %s=%s", strings.TrimSuffix(f.key(), "_ms"), v)
		}
	}
	return b.String()
}

func (e *Event) value(f field, name func(ID) string) string {
	v := e.get(f)
	switch {
	case v == 0:
		return ""
	case f.isID():
		if s := name(ID(v)); !strings.ContainsAny(s, " \"=\n") {
			return s
		}
		return strconv.Quote(name(ID(v)))
	case f == fIntended || f == fRetryAfter:
		return time.Duration(v).String()
	case f == fValue:
		return strconv.FormatFloat(e.Value, 'g', -1, 64)
	}
	return strconv.FormatInt(v, 10)
}
