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
	var parts, keepers []string
	kept := 0
	for _, v := range r.Variants {
		switch broken := v.count(Broken); {
		case broken > 0:
			parts = append(parts, fmt.Sprintf("%s breaks %d of %d", v.Name, broken, len(v.Properties)))
		case v.count(Holds) < len(v.Properties) || len(keepers) > 0 && kept != len(v.Properties):
			parts = append(parts, fmt.Sprintf("%s keeps %d of %d", v.Name, v.count(Holds), len(v.Properties)))
		default:
			keepers, kept = append(keepers, v.Name), len(v.Properties)
		}
	}
	switch len(keepers) {
	case 0:
	case 1:
		parts = append(parts, fmt.Sprintf("%s keeps all %d", keepers[0], kept))
	default:
		parts = append(parts, fmt.Sprintf("%s keep all %d", join(keepers), kept))
	}
	return strings.Join(parts, "; ")
}

func (v Variant) count(outcome Outcome) int {
	n := 0
	for _, p := range v.Properties {
		if p.Observed == outcome {
			n++
		}
	}
	return n
}

// blame says of each variant with the verdict which of its properties have the status, or its own reason.
func (r Report) blame(verdict Verdict, status Status) string {
	var parts []string
	for _, v := range r.Variants {
		if v.Verdict == verdict {
			parts = append(parts, v.Name+v.reason(status))
		}
	}
	if len(parts) == 0 {
		return "no variant says why"
	}
	return strings.Join(parts, "; ")
}

func (v Variant) reason(status Status) string {
	var deeds []string
	for _, p := range v.Properties {
		if p.Status == status {
			deeds = append(deeds, p.deed())
		}
	}
	switch {
	case len(deeds) > 3:
		return " " + strings.Join(deeds[:3], ", ") + fmt.Sprintf(" and %d more", len(deeds)-3)
	case len(deeds) > 0:
		return " " + join(deeds)
	case v.Why != "":
		return ": " + strings.TrimSuffix(v.Why, ".")
	}
	return " gives no reason"
}

func (p Property) deed() string {
	switch p.Observed {
	case Broken:
		return "breaks “" + p.Name + "”"
	case Holds:
		return "keeps “" + p.Name + "”, which should break"
	}
	return "leaves “" + p.Name + "” open"
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
	case p.Observed == Broken && p.Expected == Broken:
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
