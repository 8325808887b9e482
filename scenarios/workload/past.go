package workload

import (
	"fmt"
	"slices"
	"time"
)

// Past is messages of a conversation that are older than the run: other members said them, evenly spread over a time,
// while those users were away whose absence begins before the workload. One more, which everybody has seen, stands
// before them.
type Past struct {
	Conversation string        `json:"conversation"`
	Messages     int           `json:"messages"` // that were missed
	Bytes        int           `json:"bytes"`    // of content
	From         time.Duration `json:"from"`     // before the run: the first of them
	To           time.Duration `json:"to"`       // before the run: the last of them
}

// Absence is a time for which a user's device is away by its own wish.
type Absence struct {
	User int           `json:"user"`
	From time.Duration `json:"from,omitempty"` // 0: since before the workload, and before what is past
	To   time.Duration `json:"to,omitempty"`   // 0: it does not come back
}

func (p Plan) validatePast() error {
	for _, past := range p.Past {
		i := p.index(past.Conversation)
		if i < 0 {
			return fmt.Errorf("past of %q: no such conversation", past.Conversation)
		}
		if past.Messages < 1 || past.Bytes < 1 || past.To <= 0 || past.From < past.To {
			return fmt.Errorf("past of %q: want messages with bytes, from a time before the run to a later one before it", past.Conversation)
		}
		if len(p.Present(i)) == 0 {
			return fmt.Errorf("past of %q: all its members are away", past.Conversation)
		}
	}
	return nil
}

func (p Plan) validateAbsences() error {
	for _, a := range p.Absences {
		if a.User < 0 || a.User >= p.Users || a.From < 0 || a.To > p.Length || a.To != 0 && a.To < a.From {
			return fmt.Errorf("absence of user %d from %s to %s: want one of %d users, and times within %s", a.User, a.From, a.To, p.Users, p.Length)
		}
	}
	return nil
}

// Away says whether a user is away from before the workload.
func (p Plan) Away(user int) bool {
	return slices.ContainsFunc(p.Absences, func(a Absence) bool { return a.User == user && a.From == 0 })
}

// Present are the members of a conversation who are not away from before the workload.
func (p Plan) Present(conversation int) []int {
	return slices.DeleteFunc(slices.Clone(p.Conversations[conversation].Members), p.Away)
}
