package workload_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/workload"
)

func plan() workload.Plan {
	return workload.Plan{
		Users: 30, Length: 20 * time.Second,
		Conversations: []workload.Conversation{
			{Name: "big", Kind: "group", Members: workload.Range(0, 20)},
			{Name: "near", Kind: "group", Members: workload.Range(20, 30), SamePartitionAs: "big"},
		},
		Streams: []workload.Stream{
			{Conversation: "big", PerSecond: 100, From: 5 * time.Second, To: 15 * time.Second, Bytes: 300},
			{Conversation: "near", PerSecond: 8, To: 20 * time.Second, Bytes: 100},
		},
	}
}

func all(t *testing.T, p workload.Plan, seed uint64) (ops []workload.Op) {
	g, err := workload.New(p, seed)
	require.NoError(t, err)
	for op, ok := g.Next(); ok; op, ok = g.Next() {
		ops = append(ops, op)
	}
	return ops
}

func TestSameSeedSameSends(t *testing.T) {
	a, b, c := all(t, plan(), 7), all(t, plan(), 7), all(t, plan(), 8)
	require.Equal(t, a, b)
	require.NotEqual(t, a, c)
}

func TestSendsKeepTheirStream(t *testing.T) {
	last, count := time.Duration(0), [2]int{}
	for _, op := range all(t, plan(), 1) {
		require.GreaterOrEqual(t, op.At, last, "in the order of their times")
		last = op.At
		count[op.Conversation]++
		if op.Conversation == 0 {
			require.True(t, op.At >= 5*time.Second && op.At < 15*time.Second)
			require.Less(t, op.Sender, 20)
		} else {
			require.GreaterOrEqual(t, op.Sender, 20)
		}
	}
	require.InDelta(t, 1000, count[0], 150)
	require.InDelta(t, 160, count[1], 60)
}

func TestPushesPerSecond(t *testing.T) {
	require.InDelta(t, 100*19+8*9, plan().PushesPerSecond(), 0.1)
}

func TestPlanThatCannotBePlayed(t *testing.T) {
	for name, spoil := range map[string]func(*workload.Plan){
		"member that does not exist":   func(p *workload.Plan) { p.Conversations[0].Members[0] = 30 },
		"no members":                   func(p *workload.Plan) { p.Conversations[0].Members = nil },
		"neighbour of a later one":     func(p *workload.Plan) { p.Conversations[0].OtherPartitionThan = "near" },
		"stream into nothing":          func(p *workload.Plan) { p.Streams[0].Conversation = "x" },
		"stream past the end":          func(p *workload.Plan) { p.Streams[0].To = time.Hour },
		"stream without a rate":        func(p *workload.Plan) { p.Streams[0].PerSecond = 0 },
		"stream of messages of 0 byte": func(p *workload.Plan) { p.Streams[0].Bytes = 0 },
		"change of nothing":            func(p *workload.Plan) { p.Changes = []workload.Change{{Conversation: "x", By: 0, Add: []int{25}}} },
		"change that changes nobody":   func(p *workload.Plan) { p.Changes[0].Add = nil },
		"change by a stranger":         func(p *workload.Plan) { p.Changes[0].By = 25 },
		"guest who is a member":        func(p *workload.Plan) { p.Changes[0].Add = []int{0} },
		"guest who does not exist":     func(p *workload.Plan) { p.Changes[0].Add = []int{99} },
		"changes out of order":         func(p *workload.Plan) { p.Changes[1].At = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			p := plan()
			first := p.Conversations[0]
			p.Changes = []workload.Change{
				{Conversation: first.Name, At: time.Second, By: first.Members[0], Add: []int{25}},
				{Conversation: first.Name, At: 2 * time.Second, By: first.Members[0], Remove: []int{25}},
			}
			require.NoError(t, p.Validate())
			require.Equal(t, []int{25}, p.Guests(first.Name))
			spoil(&p)
			_, err := workload.New(p, 1)
			require.Error(t, err)
		})
	}
}
