package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/scenarios/property"
)

// Verdict of a run. Inconclusive never counts as passed.
type Verdict string

// The verdicts.
const (
	Passed       Verdict = "passed"
	Failed       Verdict = "failed"
	Inconclusive Verdict = "inconclusive"
)

// Result is one variant, judged.
type Result struct {
	Variant    Variant
	Play       Play
	Header     history.Header
	Verdict    Verdict
	Why        string
	Properties []Judged
	Numbers    *measure.Numbers
	File       string // of the history
}

// FileName is the history's name beside the report.
func (r Result) FileName() string { return filepath.Base(r.File) }

// Judged is a property or a finding, held against what was expected of it.
type Judged struct {
	property.Result
	Expect Expectation
	Status Verdict
}

// Judge reads a variant's history from its file and judges it. It is what `chatlab check` does again later.
func Judge(sc Scenario, v Variant, size Size, file string) (Result, error) {
	play := sc.Play(size)
	checks := v.checks(size)
	props := make([]property.Property, len(checks))
	for i, c := range checks {
		props[i] = c.Property
	}
	res := Result{Variant: v, Play: play, File: file}
	err := read(file, func(r *history.Reader) (err error) {
		res.Header = r.Header()
		results, err := property.Check(r, props...)
		for i, p := range results {
			res.Properties = append(res.Properties, Judged{p, checks[i].Expect, status(checks[i].Expect, p.Status)})
		}
		return err
	})
	if err != nil {
		return res, fmt.Errorf("judge history: %w", err)
	}
	err = read(file, func(r *history.Reader) (err error) {
		res.Numbers, err = measure.Of(r, measure.Options{Step: play.Step})
		return err
	})
	if err != nil {
		return res, fmt.Errorf("measure history: %w", err)
	}
	if v.Findings != nil {
		for _, f := range v.Findings(size, play, res.Numbers) {
			res.Properties = append(res.Properties, f.judged())
		}
	}
	res.Verdict, res.Why = conclude(res.Properties)
	return res, nil
}

// HeaderOf says which run a history file tells of.
func HeaderOf(file string) (h history.Header, err error) {
	err = read(file, func(r *history.Reader) error { h = r.Header(); return nil })
	return h, err
}

func read(file string, do func(*history.Reader) error) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := history.Open(f)
	if err != nil {
		return err
	}
	return do(r)
}

// checks are the promises with what this variant expects of them, and its own.
func (v Variant) checks(size Size) []Check {
	var out []Check
	for _, p := range property.Promises() {
		expect, ok := v.Expect[p.Name]
		if !ok {
			expect = Holds
		}
		out = append(out, Check{p, expect})
	}
	if v.Checks != nil {
		out = append(out, v.Checks(size)...)
	}
	return out
}

// status: a promise that breaks unforeseen is a failure; one that should have broken and did not, or of which the
// history cannot tell, decides nothing.
func status(expect Expectation, got property.Status) Verdict {
	switch {
	case string(expect) == string(got), expect == Unknown:
		return Passed
	case got == property.Broken:
		return Failed
	}
	return Inconclusive
}

func (f Finding) judged() Judged {
	j := Judged{Result: property.Result{Name: f.Name, Promise: f.Promise}, Expect: Holds, Status: Passed}
	j.Expected, j.Observed, j.Verdict.Status = f.Expected, f.Observed, property.Holds
	if f.OK {
		return j
	}
	j.Status, j.Verdict.Status = Failed, property.Broken
	if f.Damage {
		j.Status, j.Verdict.Status = Inconclusive, property.Unknown
	}
	return j
}

func conclude(all []Judged) (Verdict, string) {
	var failed, open []string
	for _, j := range all {
		switch j.Status {
		case Failed:
			failed = append(failed, j.Name)
		case Inconclusive:
			open = append(open, j.Name)
		}
	}
	switch {
	case len(failed) > 0:
		return Failed, "not as expected: " + strings.Join(failed, ", ")
	case len(open) > 0:
		return Inconclusive, "decides nothing: " + strings.Join(open, ", ")
	}
	return Passed, "all as expected"
}
