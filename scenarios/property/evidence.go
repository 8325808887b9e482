package property

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
)

// maxWitnesses is how many breaks are told one by one; the rest is counted.
const maxWitnesses = 10

// evidence collects the breaks of one property.
type evidence struct {
	names     Names
	breaks    int64
	witnesses []Witness
}

// add notes a break; ids among the arguments are told by their names.
func (v *evidence) add(at time.Duration, format string, args ...any) {
	v.breaks++
	if len(v.witnesses) == maxWitnesses {
		return
	}
	for i, a := range args {
		if id, ok := a.(history.ID); ok {
			args[i] = v.name(id)
		}
	}
	v.witnesses = append(v.witnesses, Witness{at, fmt.Sprintf(format, args...)})
}

// event notes a break by its event and a reason.
func (v *evidence) event(e *history.Event, format string, args ...any) {
	if v.breaks++; len(v.witnesses) < maxWitnesses {
		v.breaks--
		v.add(e.At, "%s: "+format, append([]any{e.Format(v.names)}, args...)...)
	}
}

func (v *evidence) name(id history.ID) string {
	if id == 0 {
		return "nobody"
	}
	return v.names(id)
}

// verdict is broken where there is a break, and holds otherwise.
func (v *evidence) verdict(expected, format string, args ...any) Verdict {
	status := Holds
	if v.breaks > 0 {
		status = Broken
	}
	return Verdict{status, expected, fmt.Sprintf(format, args...), v.witnesses}
}

// unknown is the verdict of a history that cannot tell, and why.
func unknown(expected, format string, args ...any) Verdict {
	return Verdict{Unknown, expected, fmt.Sprintf(format, args...), nil}
}

// count writes a number with its noun.
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
