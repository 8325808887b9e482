package catalogue

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/scenarios/property"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// SevenDayReconnect asks what a device costs that comes back after a week.
//
// The week is in the stored rows: they are written in their places with their times before the run, by the system's own
// sequencer and adapter, because its write path knows no other time than its clock's. What is said while the run lasts
// takes that path, and is missed as well.
func SevenDayReconnect() scenarios.Scenario {
	return scenarios.Scenario{
		Name:     "seven-day-reconnect",
		Question: "A phone was off for seven days and 500 conversations went on without it. What happens when it comes back, and when does its owner see something?",
		Claims:   weekClaims(),
		Topology: scenarios.Topology{Gateways: 2, Messages: 2, Workers: 2, Presences: 1, Partitions: 24},
		Play:     weekPlay,
		Variants: []scenarios.Variant{weekDocument(), weekMitigated(), weekHardened()},
	}
}

const (
	week       = 7 * 24 * time.Hour
	returner   = 0  // the user who was away
	talking    = 10 // conversations in which somebody speaks during the run
	bigMembers = 60 // of the one group that is too big for inboxes
	onScreen   = 20 // conversations (document)
)

// weekPlay: everybody but the returner speaks a little and leaves, and then the returner comes back to a quiet system, so
// that what is read and sent is for that device.
func weekPlay(size scenarios.Size) scenarios.Play {
	conversations, messages, users := 60, 6, bigMembers+20
	rate, silent := 1.0, 2*time.Second // of the talk, and how long before the return it has ended
	p := scenarios.Play{Steady: 5 * time.Second, Fault: 3 * time.Second, Recovery: 500 * time.Millisecond, Settle: 10 * time.Second, Step: 100 * time.Millisecond}
	if size == scenarios.Document {
		conversations, messages, users = 500, 20, 2*bigMembers
		rate, silent = 5, 5*time.Second // in which real servers on few cores answer what was said last
		p.Steady, p.Fault, p.Recovery, p.Settle = 9*time.Second, 40*time.Second, time.Second, 30*time.Second
	} else {
		p.Scale = []scenarios.Scale{
			{What: "conversations", Factor: float64(conversations) / 500, Reason: "small runs take seconds"},
			{What: "missed messages", Factor: float64(conversations*messages) / 10_000, Reason: "small runs take seconds"},
		}
	}
	length := p.Steady + p.Fault + p.Recovery
	p.Plan = workload.Plan{Users: users, Length: length}
	for i := range conversations {
		addMissed(&p.Plan, i, conversations, messages)
	}
	for i := range talking {
		c := p.Plan.Conversations[i*conversations/talking]
		p.Plan.Streams = append(p.Plan.Streams, workload.Stream{
			Conversation: c.Name, PerSecond: rate, To: p.Steady - silent, Bytes: 300, Senders: c.Members[1:],
		})
	}
	p.Plan.Absences = []workload.Absence{{User: returner, To: p.Steady}}
	for u := range p.Plan.Users {
		if u != returner {
			p.Plan.Absences = append(p.Plan.Absences, workload.Absence{User: u, From: p.Steady - 600*time.Millisecond})
		}
	}
	return p
}

// addMissed adds a conversation that went on for a week: pairs, small groups, and one group that is big. They fell silent
// one after the other, the last of them an hour ago.
func addMissed(p *workload.Plan, i, all, messages int) {
	c := workload.Conversation{Name: fmt.Sprintf("conversation %d", i+1), Label: "conversations", Kind: chat.Group}
	peers := 2 + i%6
	switch {
	case i == all/2:
		peers = bigMembers - 1
	case i%3 == 0:
		c.Kind, peers = chat.Direct, 1
	}
	c.Members = []int{returner}
	for j := range peers {
		c.Members = append(c.Members, 1+(7*i+j)%(p.Users-1))
	}
	p.Conversations = append(p.Conversations, c)
	n := max(1, messages*[]int{1, 7, 2, 6, 4}[i%5]/4) // some busy, some not: messages on average
	p.Past = append(p.Past, workload.Past{
		Conversation: c.Name, Messages: n, Bytes: 300, From: week, To: time.Hour + time.Duration(i)*(week-2*time.Hour)/time.Duration(all),
	})
}

// resumes are the properties of a return, beside the promises of every run.
func resumes(size scenarios.Size) []scenarios.Check {
	return []scenarios.Check{works(size), {Property: property.ExactResume(), Expect: scenarios.Holds}}
}

func weekDocument() scenarios.Variant {
	return scenarios.Variant{
		Name:        "document",
		Description: "the document without its mitigation: the device reads every conversation, and shows what it has when it has it",
		Switches:    profile(chat.ProfileDocument),
		Expect:      notPromised(map[string]scenarios.Expectation{}),
		Checks:      resumes,
		Findings: func(size scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{everythingFirst(n), caughtUp(n)}
		},
	}
}

func weekMitigated() scenarios.Variant {
	return scenarios.Variant{
		Name:        "mitigated",
		Description: "the document's mitigation on the document's tables: the 20 newest conversations with counters first, the others in the background",
		Switches:    profile(chat.ProfileMitigated),
		Expect:      notPromised(map[string]scenarios.Expectation{}),
		Checks:      resumes,
		Findings: func(size scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{screenIsSmall(n), noIndex(n), caughtUp(n)}
		},
	}
}

func weekHardened() scenarios.Variant {
	return scenarios.Variant{
		Name:        "hardened",
		Description: "the same, with an inbox: each member's row names what is newest and what was read, so one read finds the 20 newest",
		Switches:    profile(chat.ProfileHardened),
		Checks:      resumes,
		Findings: func(size scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{screenInTime(size, n), screenReads(n), screenIsRight(n), caughtUp(n)}
		},
	}
}
