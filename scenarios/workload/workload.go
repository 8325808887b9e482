// Package workload describes who talks to whom and when, as data: the same plan and seed give the same sends.
package workload

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Plan is a workload: users, their conversations and streams of sends. It is open loop: a send has its intended time
// whatever became of those before it.
type Plan struct {
	Users         int            `json:"users"`
	Conversations []Conversation `json:"conversations"`
	Streams       []Stream       `json:"streams"`
	Changes       []Change       `json:"changes,omitempty"` // in the order of their times
	Past          []Past         `json:"past,omitempty"`
	Absences      []Absence      `json:"absences,omitempty"`
	Length        time.Duration  `json:"length"`
}

// Conversation is made before the workload begins.
type Conversation struct {
	Name    string `json:"name"`
	Label   string `json:"label,omitempty"` // under which it is measured, with others that have the same; the name when empty
	Kind    string `json:"kind"`            // direct or group
	Members []int  `json:"members"`         // users by number
	// SamePartitionAs and OtherPartitionThan name an earlier conversation: this one is made again until the
	// partitioner puts it there. Empty: wherever it falls.
	SamePartitionAs    string `json:"same_partition_as,omitempty"`
	OtherPartitionThan string `json:"other_partition_than,omitempty"`
}

// Stream is sends into one conversation, each by a random member, with exponential gaps around the rate.
type Stream struct {
	Conversation string        `json:"conversation"`
	PerSecond    float64       `json:"per_second"`
	From         time.Duration `json:"from"`
	To           time.Duration `json:"to"`
	Bytes        int           `json:"bytes"`             // of content
	Senders      []int         `json:"senders,omitempty"` // empty: all members
}

// Change adds guests to a conversation or removes them while the workload runs. Guests are users who are no members from
// the beginning: they listen and never send, so that no send is refused because of a change.
type Change struct {
	Conversation string        `json:"conversation"`
	At           time.Duration `json:"at"`
	By           int           `json:"by"` // a member
	Add          []int         `json:"add,omitempty"`
	Remove       []int         `json:"remove,omitempty"`
}

// Op is one intended send.
type Op struct {
	At           time.Duration
	Sender       int
	Conversation int // index in the plan
	Bytes        int
}

// Generator produces the plan's sends in the order of their times.
type Generator struct {
	plan    Plan
	streams []*stream
}

type stream struct {
	Stream
	conv int
	next time.Duration
	rng  *rand.Rand
}

// New makes the generator of a plan. Each stream draws from a source of its own, so that changing one leaves the others
// as they were.
func New(p Plan, seed uint64) (*Generator, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	g := &Generator{plan: p}
	for i, s := range p.Streams {
		st := &stream{Stream: s, conv: p.index(s.Conversation), rng: rand.New(rand.NewPCG(seed, uint64(i)))}
		st.next = s.From
		st.step()
		g.streams = append(g.streams, st)
	}
	return g, nil
}

func (s *stream) step() {
	s.next += time.Duration(s.rng.ExpFloat64() / s.PerSecond * float64(time.Second))
}

// Next returns the next send; false when the plan is over.
func (g *Generator) Next() (Op, bool) {
	var first *stream
	for _, s := range g.streams {
		if s.next < s.To && (first == nil || s.next < first.next) {
			first = s
		}
	}
	if first == nil {
		return Op{}, false
	}
	members := first.Senders
	if len(members) == 0 {
		members = g.plan.Conversations[first.conv].Members
	}
	op := Op{At: first.next, Sender: members[first.rng.IntN(len(members))], Conversation: first.conv, Bytes: first.Bytes}
	first.step()
	return op, true
}

// Guests are the users that changes add to a conversation, each once.
func (p Plan) Guests(conversation string) (guests []int) {
	for _, c := range p.Changes {
		for _, u := range c.Add {
			if c.Conversation == conversation && !slices.Contains(guests, u) {
				guests = append(guests, u)
			}
		}
	}
	return guests
}

// PushesPerSecond is the plan's rate of deliveries when all its streams run: each send goes to the other members.
func (p Plan) PushesPerSecond() (rate float64) {
	for _, s := range p.Streams {
		rate += s.PerSecond * float64(len(p.Conversations[p.index(s.Conversation)].Members)-1)
	}
	return rate
}

func (p Plan) index(name string) int {
	for i, c := range p.Conversations {
		if c.Name == name {
			return i
		}
	}
	return -1
}

// Validate refuses a plan that cannot be played.
func (p Plan) Validate() error {
	for i, c := range p.Conversations {
		for _, m := range c.Members {
			if m < 0 || m >= p.Users {
				return fmt.Errorf("conversation %q has member %d: there are %d users", c.Name, m, p.Users)
			}
		}
		if len(c.Members) == 0 {
			return fmt.Errorf("conversation %q has no members", c.Name)
		}
		for _, near := range []string{c.SamePartitionAs, c.OtherPartitionThan} {
			if near != "" && (p.index(near) < 0 || p.index(near) >= i) {
				return fmt.Errorf("conversation %q refers to %q, which does not stand before it", c.Name, near)
			}
		}
	}
	if err := errors.Join(p.validateChanges(), p.validatePast(), p.validateAbsences()); err != nil {
		return err
	}
	for _, s := range p.Streams {
		switch {
		case p.index(s.Conversation) < 0:
			return fmt.Errorf("stream into %q: no such conversation", s.Conversation)
		case s.PerSecond <= 0 || s.Bytes <= 0 || s.From < 0 || s.To <= s.From || s.To > p.Length:
			return fmt.Errorf("stream into %q: want a rate and a size above 0 and 0 <= from < to <= %s", s.Conversation, p.Length)
		}
	}
	return nil
}

func (p Plan) validateChanges() error {
	last := time.Duration(0)
	for _, c := range p.Changes {
		i := p.index(c.Conversation)
		if i < 0 {
			return fmt.Errorf("change of %q: no such conversation", c.Conversation)
		}
		if members := p.Conversations[i].Members; !slices.Contains(members, c.By) {
			return fmt.Errorf("change of %q by %d, who is no member", c.Conversation, c.By)
		} else if slices.ContainsFunc(append(slices.Clone(c.Add), c.Remove...), func(u int) bool { return u < 0 || u >= p.Users || slices.Contains(members, u) }) {
			return fmt.Errorf("change of %q: want users who are no members from the beginning", c.Conversation)
		}
		if c.At < last || c.At > p.Length || len(c.Add)+len(c.Remove) == 0 {
			return fmt.Errorf("change of %q at %s: want somebody to add or remove, and times that grow up to %s", c.Conversation, c.At, p.Length)
		}
		last = c.At
	}
	return nil
}

// Range lists the users from first up to but without end.
func Range(first, end int) []int {
	out := make([]int, 0, end-first)
	for i := first; i < end; i++ {
		out = append(out, i)
	}
	return out
}
