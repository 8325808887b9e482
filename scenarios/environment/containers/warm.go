package containers

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// warm plays a conversation that nobody judges on servers that are new: they compile what they run first, and make tables and
// topics. The first run would measure that.
func (e *Environment) warm(ctx context.Context) error {
	sw, err := chat.Profile(chat.ProfileHardened)
	if err != nil {
		return err
	}
	v := scenarios.Variant{Name: "warm-up", Switches: sw}
	sc := scenarios.Scenario{
		Name: "warm-up", Topology: scenarios.Topology{Gateways: 1, Messages: 1, Workers: 1, Presences: 1, Partitions: 24},
		Play: talk, Variants: []scenarios.Variant{v},
	}
	if err := scenarios.Run(ctx, e, sc, v, scenarios.Options{Size: scenarios.Small}, io.Discard); err != nil {
		return fmt.Errorf("warm up servers: %w", err)
	}
	return nil
}

// talk is small groups that talk as in any small run, and then a big one that says as much as all of them: servers compile what
// they run often.
func talk(scenarios.Size) scenarios.Play {
	const groups, members, length = 10, 6, 15 * time.Second
	p := scenarios.Play{Steady: length, Settle: 20 * time.Second, Plan: workload.Plan{Users: groups * members, Length: length}}
	for i := range groups {
		name := fmt.Sprintf("group %d", i+1)
		p.Plan.Conversations = append(p.Plan.Conversations, workload.Conversation{Name: name, Kind: chat.Group, Members: workload.Range(members*i, members*(i+1))})
		p.Plan.Streams = append(p.Plan.Streams, workload.Stream{Conversation: name, PerSecond: 1, To: length, Bytes: 300})
	}
	p.Plan.Conversations = append(p.Plan.Conversations, workload.Conversation{Name: "all", Kind: chat.Group, Members: workload.Range(0, p.Plan.Users)})
	p.Plan.Streams = append(p.Plan.Streams, workload.Stream{Conversation: "all", PerSecond: 10, From: length / 3, To: length, Bytes: 300})
	return p
}
