package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/chatlab/chatlab/reports/quantity"
)

// JUnit writes the report as JUnit XML: a testsuite for each variant, a testcase for each property, and one more
// named "verdict" for the variant as a whole. What was not foretold is a failure. What could not be decided is an
// error, JUnit's word for a test that reached no conclusion: CI shows both in red, as inconclusive never counts as green.
func (r Report) JUnit(w io.Writer) error {
	suites := junitSuites{Name: "chatlab " + r.Scenario, Time: seconds(r.DurationS.or(0))}
	for _, v := range r.Variants {
		suite := r.junitSuite(v)
		suites.Suites = append(suites.Suites, suite)
		suites.Tests += suite.Tests
		suites.Failures += suite.Failures
		suites.Errors += suite.Errors
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write junit header: %w", err)
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suites); err != nil {
		return fmt.Errorf("encode junit suites: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Timestamp  string          `xml:"timestamp,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
	Output     string          `xml:"system-out,omitempty"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
}

type junitProblem struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func (r Report) junitSuite(v Variant) junitSuite {
	class := r.Scenario + "." + v.Name
	suite := junitSuite{
		Name:       class,
		Time:       seconds(v.EndS()),
		Timestamp:  r.Started.UTC().Format(time.RFC3339),
		Properties: r.junitProperties(v),
		Output:     v.figures(),
	}
	for _, p := range v.Properties {
		suite.add(junitCase{Class: class, Name: p.Name, Time: seconds(0)}, p.Status, p.problem(r.Reproduce))
	}
	suite.add(junitCase{Class: class, Name: "verdict", Time: suite.Time}, v.Verdict.status(), v.problem(r.Reproduce))
	return suite
}

func (s *junitSuite) add(c junitCase, status Status, problem junitProblem) {
	s.Tests++
	switch status {
	case OK:
	case Unexpected:
		s.Failures++
		c.Failure = &problem
	default:
		s.Errors++
		c.Error = &problem
	}
	s.Cases = append(s.Cases, c)
}

func (v Verdict) status() Status {
	switch v {
	case Passed:
		return OK
	case Failed:
		return Unexpected
	}
	return Undecided
}

func (p Property) problem(reproduce string) junitProblem {
	var text strings.Builder
	fmt.Fprintf(&text, "promise:  %s\nexpected: %s\nobserved: %s\n", p.Promise, p.Expected, p.Observed)
	if p.Detail != "" {
		fmt.Fprintf(&text, "detail:   %s\n", p.Detail)
	}
	for _, w := range p.Witnesses {
		fmt.Fprintf(&text, "witness:  %s\n", w)
	}
	fmt.Fprintf(&text, "reproduce: %s\n", reproduce)
	message := fmt.Sprintf("expected %s, observed %s", p.Expected, p.Observed)
	return junitProblem{Type: string(p.Status), Message: message, Text: text.String()}
}

func (v Variant) problem(reproduce string) junitProblem {
	return junitProblem{
		Type:    string(v.Verdict.status()),
		Message: fmt.Sprintf("%s: %s", v.Verdict, v.Why),
		Text:    fmt.Sprintf("%s\nreproduce: %s\n", v.Why, reproduce),
	}
}

// String returns the witness with its time, as one line.
func (w Witness) String() string {
	if !w.AtS.Known() {
		return w.Text
	}
	return fmt.Sprintf("%.3f s  %s", float64(w.AtS), w.Text)
}

func (r Report) junitProperties(v Variant) []junitProperty {
	list := []junitProperty{
		{"world", r.World}, {"size", r.Size}, {"seed", fmt.Sprint(r.Seed)},
		{"commit", r.Commit}, {"reproduce", r.Reproduce}, {"history", v.History},
	}
	for _, name := range sortedKeys(v.Switches) {
		list = append(list, junitProperty{"switch." + name, v.Switches[name]})
	}
	return list
}

func (v Variant) figures() string {
	var text strings.Builder
	for _, m := range v.Metrics {
		fmt.Fprintf(&text, "%s: %s (%s)\n", m.Name, quantity.Format(float64(m.Value), m.Unit), m.Source)
	}
	return text.String()
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
