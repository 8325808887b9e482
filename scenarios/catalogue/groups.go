package catalogue

import (
	"fmt"
	"slices"
	"time"

	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// smallRate is how many messages a second go into each of ten groups or so in a small run: what two cores carry with ease
// when they also carry three real nodes each of Kafka and Cassandra, and enough to count.
const smallRate = 0.8

// leaves lets the last member of a group, who says nothing, go at a time and for good; 0: before the workload.
func leaves(p *workload.Plan, group int, at time.Duration) {
	members := p.Conversations[group].Members
	last := len(members) - 1
	p.Streams[group].Senders = members[:last]
	p.Absences = append(p.Absences, workload.Absence{User: members[last], From: at})
}

// crowdName is the conversation that many open in the same moment.
const crowdName = "crowd"

// gathers adds a conversation of the first so many users whom no absence concerns; they say something at a rate per
// second.
func gathers(p *workload.Plan, crowd int, rate float64) {
	c := workload.Conversation{Name: crowdName, Label: "groups", Kind: chat.Group}
	for u := range p.Users {
		leaves := slices.ContainsFunc(p.Absences, func(a workload.Absence) bool { return a.User == u })
		if len(c.Members) < crowd && !leaves {
			c.Members = append(c.Members, u)
		}
	}
	p.Conversations = append(p.Conversations, c)
	p.Streams = append(p.Streams, workload.Stream{Conversation: c.Name, PerSecond: rate, To: p.Length, Bytes: 300})
}

// chattingGroups is groups without a common member that talk all the time, each at a rate per second.
func chattingGroups(groups, members int, rate float64, length time.Duration) workload.Plan {
	p := workload.Plan{Users: groups * members, Length: length}
	for i := range groups {
		name := fmt.Sprintf("group %d", i+1)
		p.Conversations = append(p.Conversations, workload.Conversation{
			Name: name, Label: "groups", Kind: chat.Group, Members: workload.Range(members*i, members*(i+1)),
		})
		p.Streams = append(p.Streams, workload.Stream{Conversation: name, PerSecond: rate, To: length, Bytes: 300})
	}
	return p
}
