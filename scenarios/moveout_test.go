package scenarios

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/workload"
)

func TestLoadProcessesHoldWholeConversations(t *testing.T) {
	group := func(name string, members ...int) workload.Conversation {
		return workload.Conversation{Name: name, Kind: "group", Members: members}
	}
	for name, c := range map[string]struct {
		play Play
		says string // empty: it can be played
	}{
		"none":         {Play{Plan: workload.Plan{Users: 4, Conversations: []workload.Conversation{group("all", 0, 1, 2, 3)}}}, ""},
		"each its own": {Play{Processes: 2, Plan: workload.Plan{Users: 4, Conversations: []workload.Conversation{group("a", 0, 1), group("b", 2, 3)}}}, ""},
		"across":       {Play{Processes: 2, Plan: workload.Plan{Users: 4, Conversations: []workload.Conversation{group("a", 0, 1), group("b", 1, 2)}}}, "members of conversation b are in several"},
		"past":         {Play{Processes: 2, Plan: workload.Plan{Users: 4, Past: []workload.Past{{}}}}, "a past"},
		"comes back":   {Play{Processes: 2, Plan: workload.Plan{Users: 4, Absences: []workload.Absence{{User: 3, From: 1, To: 2}}}}, "user 3 comes back"},
		"goes":         {Play{Processes: 2, Plan: workload.Plan{Users: 4, Absences: []workload.Absence{{User: 3, From: 1}}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if err := shares(c.play); c.says == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.says)
			}
		})
	}
}
