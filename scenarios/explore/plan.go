// Package explore asks what nobody thought of: plans drawn at random, of who talks to whom, what breaks and which
// switches are set, each of which prints, plays again and shrinks.
package explore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// Plan is a run as data.
type Plan struct {
	Profile  string         `json:"profile"`
	Switches map[string]any `json:"switches,omitempty"` // those that are not the profile's
	Seed     uint64         `json:"seed"`               // of the workload
	Pods     Pods           `json:"pods"`
	Length   Span           `json:"length"` // of the workload; what has not arrived some time after it is damage
	Groups   []Group        `json:"groups"`
	Faults   []string       `json:"faults"` // steps of a schedule
}

// Pods says how many run of each role; edge and presence have one.
type Pods struct {
	Gateways int `json:"gateways"`
	Messages int `json:"messages"`
	Workers  int `json:"workers"`
}

// Group is a conversation whose members, numbers of users, talk all the time.
type Group struct {
	Members   []int   `json:"members"`
	PerSecond float64 `json:"per_second"`
	Bytes     int     `json:"bytes"`
}

// Span is a duration that is written 6s.
type Span time.Duration

// MarshalText writes it.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText reads it.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = Span(d)
	return err
}

// What a plan may ask for: a machine is to carry it, and a run to end.
const (
	maxLength = 5 * time.Minute
	maxUsers  = 500
	maxGroups = 50
	maxPods   = 20
	maxRate   = 200.0
	maxBytes  = 4 << 10
)

// Read reads a plan and refuses one that cannot be played.
func Read(r io.Reader) (p Plan, err error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("read plan: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return p, errors.New("read plan: something follows the plan: want one in a file")
	}
	return p, p.Validate()
}

// String is the text that Read reads.
func (p Plan) String() string {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err.Error() // switches that JSON has no words for
	}
	return string(text)
}

// Validate says what is wrong with the plan.
func (p Plan) Validate() error {
	if _, err := p.switches(); err != nil {
		return err
	}
	if _, err := p.schedule(); err != nil {
		return err
	}
	for _, n := range []struct {
		of string
		n  int
	}{{"gateways", p.Pods.Gateways}, {"messages", p.Pods.Messages}, {"workers", p.Pods.Workers}} {
		if n.n < 1 || n.n > maxPods {
			return fmt.Errorf("plan has %d %s: want 1 to %d", n.n, n.of, maxPods)
		}
	}
	if length := time.Duration(p.Length); length < time.Second || length > maxLength {
		return fmt.Errorf("plan has length %s: want 1s to %s", length, maxLength)
	}
	if len(p.Groups) < 1 || len(p.Groups) > maxGroups {
		return fmt.Errorf("plan has %d groups: want 1 to %d", len(p.Groups), maxGroups)
	}
	for i, g := range p.Groups {
		if err := g.validate(); err != nil {
			return fmt.Errorf("group %d: %w", i+1, err)
		}
	}
	return p.workload().Validate()
}

func (g Group) validate() error {
	seen := map[int]bool{}
	for _, m := range g.Members {
		if m < 0 || m >= maxUsers || seen[m] {
			return fmt.Errorf("member %d: want numbers from 0 to %d, each once", m, maxUsers-1)
		}
		seen[m] = true
	}
	switch {
	case len(g.Members) < 2:
		return errors.New("want two members or more")
	case g.PerSecond <= 0 || g.PerSecond > maxRate:
		return fmt.Errorf("per_second %g: want more than 0, up to %g", g.PerSecond, maxRate)
	case g.Bytes < 1 || g.Bytes > maxBytes:
		return fmt.Errorf("bytes %d: want 1 to %d", g.Bytes, maxBytes)
	}
	return nil
}

// switches are the profile's, but for those that the plan names.
func (p Plan) switches() (chat.Switches, error) {
	sw, err := chat.Profile(p.Profile)
	if err != nil {
		return sw, err
	}
	text, err := json.Marshal(p.Switches)
	if err != nil {
		return sw, fmt.Errorf("switches: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&sw); err != nil {
		return sw, fmt.Errorf("switches: %w", err)
	}
	return sw, sw.Validate()
}

func (p Plan) schedule() (chaos.Schedule, error) {
	s, err := chaos.Parse(p.steps())
	if err != nil {
		return nil, fmt.Errorf("faults: %w\nchatlab faults prints how each is written", err)
	}
	return s, nil
}

func (p Plan) steps() string { return strings.Join(p.Faults, "\n") }

func (p Plan) workload() workload.Plan {
	w := workload.Plan{Length: time.Duration(p.Length)}
	for i, g := range p.Groups {
		name := fmt.Sprintf("group %d", i+1)
		for _, m := range g.Members {
			w.Users = max(w.Users, m+1)
		}
		w.Conversations = append(w.Conversations, workload.Conversation{Name: name, Kind: chat.Group, Members: g.Members})
		w.Streams = append(w.Streams, workload.Stream{Conversation: name, PerSecond: g.PerSecond, To: w.Length, Bytes: g.Bytes})
	}
	return w
}

// Name is the scenario of every plan.
const Name = "plan"

// shorter is by how much presence forgets sooner than the document wants, so that a plan takes seconds.
const shorter = 6

// settle is the time in which, after the workload, everything has to arrive. It ends as soon as it has.
const settle = 45 * time.Second

// Scenario is the plan as a question.
func (p Plan) Scenario() (scenarios.Scenario, error) {
	if err := p.Validate(); err != nil {
		return scenarios.Scenario{}, err
	}
	sw, err := p.switches()
	if err != nil {
		return scenarios.Scenario{}, err
	}
	sc := Scenario(p.Profile)
	sc.Topology = scenarios.Topology{Gateways: p.Pods.Gateways, Messages: p.Pods.Messages, Workers: p.Pods.Workers, Presences: 1, Partitions: 12}
	sc.Play = func(scenarios.Size) scenarios.Play {
		w := p.workload()
		return scenarios.Play{
			Plan: w, Fault: w.Length, Settle: settle, PresenceTTL: time.Minute / shorter, Heartbeat: 30 * time.Second / shorter,
			Scale: []scenarios.Scale{{What: "presence TTL and heartbeat", Factor: 1.0 / shorter, Reason: "a plan takes seconds"}},
		}
	}
	sc.Variants[0].Switches = sw
	sc.Variants[0].Faults = func(scenarios.Size) string { return p.steps() }
	return sc, nil
}

// Scenario is what the history of any plan of a profile is judged by: whatever breaks, every promise has to hold.
func Scenario(profile string) scenarios.Scenario {
	return scenarios.Scenario{
		Name: Name, Question: "Does every promise hold, whatever this plan breaks?",
		Play:     func(scenarios.Size) scenarios.Play { return scenarios.Play{} },
		Variants: []scenarios.Variant{{Name: profile, Description: "as the plan wants it"}},
	}
}
