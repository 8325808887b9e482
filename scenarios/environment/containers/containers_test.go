//go:build containers

package containers_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/containers"
	"github.com/chatlab/chatlab/scenarios/environment/containers/cluster"
	"github.com/chatlab/chatlab/scenarios/environment/pod"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// world is what all tests of this binary share, one after another.
var world *containers.Environment

func TestMain(m *testing.M) {
	pod.Main()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if world, err = containers.Open(ctx, cluster.Config{Images: cluster.FromEnvironment()}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	world.Reason = "test"
	fmt.Printf("three brokers, three nodes and two Redis servers up after %s\n", world.Took().Round(100*time.Millisecond))
	interrupted := context.AfterFunc(ctx, func() { _ = world.Close(); os.Exit(130) })
	code := m.Run()
	if !interrupted() {
		select {} // the interrupt removes the servers and ends the process
	}
	if err := world.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "remove servers:", err)
		return 1
	}
	return code
}

// faults hit each kind of server in each way while sends are in flight.
const faults = `at 1s kill kafka-2 for 2s
at 2s freeze redis-presence for 2s
at 3s kill cassandra-3 for 2s
at 5s kill redis-cache for 1s
at 7s cut fanout-1<->cassandra-1 for 1s`

// TestNothingIsLostWhenServersDie: whatever servers die, freeze and come back, no acknowledged message is lost, none is
// shown twice, and all promises hold.
func TestNothingIsLostWhenServersDie(t *testing.T) {
	sw, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	v := scenarios.Variant{Name: "servers-die", Description: "each kind of server, one at a time", Switches: sw, Faults: func(scenarios.Size) string { return faults }}
	sc := scenarios.Scenario{
		Name: "servers-die", Question: "Brokers, nodes and Redis servers die and come back. Is anything lost or shown twice?",
		Topology: scenarios.Topology{Gateways: 2, Messages: 2, Workers: 2, Presences: 1, Partitions: 12},
		Play:     play, Variants: []scenarios.Variant{v},
	}
	file := filepath.Join(t.TempDir(), "history.chatlab")
	if keep := os.Getenv("CHATLAB_KEEP"); keep != "" {
		file = filepath.Join(keep, "servers-die.chatlab")
	}
	out, err := os.Create(file)
	require.NoError(t, err)
	opt := scenarios.Options{Seed: 1, Size: scenarios.Small, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
	require.NoError(t, scenarios.Run(t.Context(), world, sc, v, opt, out))
	require.NoError(t, out.Close())
	res, err := scenarios.Judge(sc, v, scenarios.Small, file)
	require.NoError(t, err)
	n := res.Numbers.Totals
	t.Logf("%d sends, %d acked, %d unknown, %d raw, %d shown", n.Sends, n.Acked, n.Unknown, n.Raw, n.Shown)
	for _, p := range res.Properties {
		if p.Status != scenarios.Passed {
			t.Errorf("%s\n  wanted: %s\n  seen: %s\n  %v", p.Name, p.Verdict.Expected, p.Verdict.Observed, p.Witnesses)
		}
	}
}

func play(scenarios.Size) scenarios.Play {
	p := scenarios.Play{Steady: 500 * time.Millisecond, Fault: 10 * time.Second, Recovery: 500 * time.Millisecond, Settle: 40 * time.Second}
	length := p.Steady + p.Fault + p.Recovery
	p.Plan = workload.Plan{Users: 30, Length: length}
	for i := range 3 {
		name := fmt.Sprintf("group %d", i+1)
		p.Plan.Conversations = append(p.Plan.Conversations, workload.Conversation{Name: name, Kind: chat.Group, Members: workload.Range(10*i, 10*i+10)})
		p.Plan.Streams = append(p.Plan.Streams, workload.Stream{Conversation: name, PerSecond: 8, To: length, Bytes: 300})
	}
	return p
}
