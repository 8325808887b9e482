package mutants

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chatlab/chatlab/scenarios/property"
)

// Matrix writes which property catches which mutant: a row for each property, a column for each mutant.
func Matrix(all []Outcome) string {
	names := propertiesOf(all)
	var out strings.Builder
	for i, o := range all {
		fmt.Fprintf(&out, "%2d  %-22s %6s  %s\n", i, o.Mutant.Name, o.Took.Round(100*time.Millisecond), o.Mutant.What)
	}
	fmt.Fprintf(&out, "\n%-24s", "X aimed at, x also")
	for i := range all {
		fmt.Fprintf(&out, " %2d", i)
	}
	for _, name := range names {
		fmt.Fprintf(&out, "\n%-24s", name)
		for _, o := range all {
			fmt.Fprintf(&out, " %2s", o.mark(name))
		}
	}
	return out.String() + "\n"
}

func (o Outcome) mark(name string) string {
	switch o.status(name) {
	case property.Broken:
		if name == o.Mutant.Target {
			return "X"
		}
		return "x"
	case property.Unknown:
		return "?"
	}
	return "."
}

func propertiesOf(all []Outcome) (names []string) {
	for _, o := range all {
		for _, p := range o.Properties {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// Missed says where the lab's eyes are shut: what it sees though nothing is wrong, the mutants that it misses, and the
// properties that catch none.
func Missed(all []Outcome) (problems []string) {
	caught := map[string]bool{}
	for _, o := range all {
		problems = append(problems, o.Missed()...)
		for _, name := range o.broken() {
			caught[name] = true
		}
	}
	for _, name := range propertiesOf(all) {
		if !caught[name] {
			problems = append(problems, fmt.Sprintf("property %s catches no mutant", name))
		}
	}
	return problems
}

// Seen is what the property that a mutant is aimed at observed.
func (o Outcome) Seen() string {
	for _, p := range o.Properties {
		if p.Name == o.Mutant.Target {
			return fmt.Sprintf("%s: %s", p.Name, p.Verdict.Observed)
		}
	}
	return "no property is aimed at"
}

// Missed says whether the property that a mutant is aimed at held, or, without a mutant, which one did not.
func (o Outcome) Missed() (problems []string) {
	for _, p := range o.Properties {
		switch got := p.Verdict; {
		case o.Mutant.Target == p.Name && got.Status != property.Broken:
			problems = append(problems, fmt.Sprintf("mutant %s: %s %s: %s", o.Mutant.Name, p.Name, got.Status, got.Observed))
		case o.Mutant.Target == "" && got.Status != property.Holds:
			problems = append(problems, fmt.Sprintf("mutant %s: %s %s: %s: %v", o.Mutant.Name, p.Name, got.Status, got.Observed, got.Witnesses))
		}
	}
	return problems
}
