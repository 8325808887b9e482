package paths

import (
	"fmt"
	"strings"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/property"
)

// Matrix writes what became of every promise in every cell: a row for each promise, a column for each cell.
func Matrix(all []Outcome) string {
	var out strings.Builder
	for i, o := range all {
		fmt.Fprintf(&out, "%2d  %-20s %6s  %s\n", i, o.Cell.Name(), o.Took.Round(100*time.Millisecond), o.Cell.Fault.What)
	}
	fmt.Fprintf(&out, "\n%-24s", ". kept  x broken  ? cannot tell")
	fmt.Fprintf(&out, "\n%-24s", "! not as foretold")
	for i := range all {
		fmt.Fprintf(&out, " %2d", i)
	}
	for _, p := range property.Promises() {
		fmt.Fprintf(&out, "\n%-24s", p.Name)
		for _, o := range all {
			fmt.Fprintf(&out, " %2s", o.mark(p.Name))
		}
	}
	return out.String() + "\n"
}

func (o Outcome) mark(promise string) string {
	for _, p := range o.Properties {
		if p.Name != promise {
			continue
		}
		mark := map[property.Status]string{property.Holds: ".", property.Broken: "x"}[p.Verdict.Status]
		if mark == "" {
			mark = "?"
		}
		if p.Status != scenarios.Passed {
			mark = "!" + mark
		}
		return mark
	}
	return ""
}

// Wrong lists what is not as foretold: a promise that broke, and one that should have broken and did not.
func (o Outcome) Wrong() (problems []string) {
	for _, p := range o.Properties {
		if p.Status == scenarios.Passed {
			continue
		}
		problems = append(problems, fmt.Sprintf("%s: %s is foretold to be %s and is %s: %s %v", o.Cell.Name(), p.Name, p.Expect, p.Verdict.Status, p.Verdict.Observed, p.Witnesses))
	}
	return problems
}

// Waits says whether a break that is foretold has not shown yet, and nothing else is wrong.
func (o Outcome) Waits() (waits bool) {
	for _, p := range o.Properties {
		if p.Status == scenarios.Failed {
			return false
		}
		waits = waits || p.Expect == scenarios.Broken && p.Status != scenarios.Passed
	}
	return waits
}

// Merge counts a break as seen if any of a cell's plays has seen it: damage that needs two things to meet in time does
// not show every time. A promise must hold in all of them.
func Merge(a, b Outcome) Outcome {
	out := Outcome{Cell: a.Cell, Took: a.Took + b.Took}
	for i, p := range a.Properties {
		q := b.Properties[i]
		if worse(q, p) {
			p = q
		}
		out.Properties = append(out.Properties, p)
	}
	return out
}

// worse says whether the second play decides: where a break is foretold the play that has it, else the one that failed.
func worse(q, p scenarios.Judged) bool {
	if p.Expect == scenarios.Broken {
		return p.Status != scenarios.Passed
	}
	return p.Status == scenarios.Passed || q.Status == scenarios.Failed
}
