package reports

import (
	"fmt"
	"strings"
)

// A Verdict is what a variant, or a whole run, came to.
type Verdict string

// The verdicts of a run. An inconclusive one never counts as passed.
const (
	Passed       Verdict = "passed"
	Failed       Verdict = "failed"
	Inconclusive Verdict = "inconclusive"
)

// An Outcome is what a promise does, or is expected to do, in one run.
type Outcome string

// The outcomes of a promise.
const (
	Holds   Outcome = "holds"
	Broken  Outcome = "broken"
	Unknown Outcome = "unknown"
)

// A Status compares an observed outcome with the expected one.
type Status string

// The statuses of a property.
const (
	OK         Status = "ok"
	Unexpected Status = "unexpected"
	Undecided  Status = "inconclusive"
)

// A ClaimVerdict is what the run says of a claim of the reference design.
type ClaimVerdict string

// The verdicts on a claim; the condition that belongs to [OnlyIf] is in the claim.
const (
	Confirmed    ClaimVerdict = "confirmed"
	Contradicted ClaimVerdict = "contradicted"
	OnlyIf       ClaimVerdict = "only if"
	NotMeasured  ClaimVerdict = "not measured"
)

// Sentence returns the verdict of the whole run in one sentence, made from its properties.
func (r Report) Sentence() string {
	switch r.Verdict {
	case Passed:
		return "Every promise came out as foretold: " + r.tally() + "."
	case Failed:
		return "Not what was foretold: " + r.blame(Failed, Unexpected) + "."
	case Inconclusive:
		return "This run decides nothing: " + r.blame(Inconclusive, Undecided) + "."
	}
	return "The run carries no verdict."
}

func (r Report) tally() string {
	parts := make([]string, 0, len(r.Variants))
	for _, v := range r.Variants {
		parts = append(parts, v.tally())
	}
	return join(parts)
}

func (v Variant) tally() string {
	broken := 0
	for _, p := range v.Properties {
		if p.Observed == Broken {
			broken++
		}
	}
	if broken == 0 {
		return fmt.Sprintf("%s keeps all %d", v.Name, len(v.Properties))
	}
	return fmt.Sprintf("%s breaks %d of %d", v.Name, broken, len(v.Properties))
}

// blame names the variants with the verdict, each with the properties of the status, or its own reason.
func (r Report) blame(verdict Verdict, status Status) string {
	var parts []string
	for _, v := range r.Variants {
		if v.Verdict == verdict {
			parts = append(parts, v.Name+" ("+v.reason(status)+")")
		}
	}
	if len(parts) == 0 {
		return "no variant says why"
	}
	return join(parts)
}

func (v Variant) reason(status Status) string {
	var names []string
	for _, p := range v.Properties {
		if p.Status == status {
			names = append(names, fmt.Sprintf("%s: expected %s, observed %s", p.Name, p.Expected, p.Observed))
		}
	}
	if len(names) > 0 {
		return strings.Join(names, "; ")
	}
	if v.Why != "" {
		return strings.TrimSuffix(v.Why, ".")
	}
	return "no reason recorded"
}

func join(parts []string) string {
	switch n := len(parts); n {
	case 0:
		return "there is no variant"
	case 1:
		return parts[0]
	default:
		return strings.Join(parts[:n-1], ", ") + " and " + parts[n-1]
	}
}

// Phrase says in a few words what became of the promise and whether that was foretold.
func (p Property) Phrase() string {
	switch {
	case p.Status == Unexpected:
		return string(p.Observed) + ", not foretold"
	case p.Status != OK:
		return "undecided"
	case p.Observed == Broken:
		return "broken, as foretold"
	}
	return string(p.Observed)
}

// Mark returns the sign that goes with the phrase: a tick, a cross or a question mark.
func (p Property) Mark() string {
	switch {
	case p.Status != OK && p.Status != Unexpected, p.Observed == Unknown:
		return "?"
	case p.Observed == Broken:
		return "✗"
	}
	return "✓"
}

// Mark returns the sign of a verdict: a tick, a cross or a question mark.
func (v Verdict) Mark() string {
	switch v {
	case Passed:
		return "✓"
	case Failed:
		return "✗"
	}
	return "?"
}
