package embedded_test

import (
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/embedded"
	"github.com/chatlab/chatlab/scenarios/environment/pod"
	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/load"
	"github.com/chatlab/chatlab/scenarios/machine"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

func TestMain(m *testing.M) {
	pod.Main()
	load.Main()
	flag.Parse()
	machine.SideBySide(4)
	os.Exit(m.Run())
}

// crash is a run in which a pod of every role dies by SIGKILL at a random moment with sends in flight, and comes back.
func crash(t *testing.T, seed uint64) (scenarios.Scenario, scenarios.Variant) {
	sw, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(seed, 5))
	var faults []string
	for _, role := range []string{"gateway", "message", "fanout", "presence", "edge"} {
		name := fmt.Sprintf("%s-%d", role, 1+rng.IntN(2))
		if role == "presence" || role == "edge" {
			name = role + "-1"
		}
		at := 500 + rng.IntN(5500)
		faults = append(faults, fmt.Sprintf("at %dms kill %s for %dms", at, name, 300+rng.IntN(1200)))
	}
	faults = append(faults, "when sends > 40 freeze message-2 for 300ms", "when connections > 29 skew message-1 -300ms for 1s")
	v := scenarios.Variant{
		Name: "crash", Description: "every role dies once", Switches: sw,
		Faults: func(scenarios.Size) string { return strings.Join(faults, "\n") },
	}
	return scenarios.Scenario{
		Name: "crash", Question: "A pod of every role is killed. Is anything lost or shown twice?",
		Topology: scenarios.Topology{Gateways: 2, Messages: 2, Workers: 2, Presences: 1, Partitions: 12},
		Play:     func(scenarios.Size) scenarios.Play { return crashPlay(seed) }, Variants: []scenarios.Variant{v},
	}, v
}

// crashPlay: groups that talk; where the seed is even, each in a load process of its own.
func crashPlay(seed uint64) scenarios.Play {
	p := scenarios.Play{Steady: 500 * time.Millisecond, Fault: 7 * time.Second, Recovery: 500 * time.Millisecond, Settle: 40 * time.Second}
	if seed%2 == 0 {
		p.Processes = 3
	}
	length := p.Steady + p.Fault + p.Recovery
	p.Plan = workload.Plan{Users: 30, Length: length}
	for i := range 3 {
		name := fmt.Sprintf("group %d", i+1)
		p.Plan.Conversations = append(p.Plan.Conversations, workload.Conversation{Name: name, Kind: chat.Group, Members: workload.Range(10*i, 10*i+10)})
		p.Plan.Streams = append(p.Plan.Streams, workload.Stream{Conversation: name, PerSecond: 8, To: length, Bytes: 300})
	}
	return p
}

// TestNothingIsLostWhenPodsDie: no acknowledged message is lost, none is shown twice, and all the other promises hold,
// whichever pods die when. CHATLAB_SEED plays another schedule.
func TestNothingIsLostWhenPodsDie(t *testing.T) {
	t.Parallel()
	seeds := []uint64{1, 2}
	if s := os.Getenv("CHATLAB_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
		seeds = []uint64{n}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			sc, v := crash(t, seed)
			t.Log("\n" + v.Faults(scenarios.Small))
			file := filepath.Join(t.TempDir(), "history.chatlab")
			if keep := os.Getenv("CHATLAB_KEEP"); keep != "" {
				file = filepath.Join(keep, fmt.Sprintf("crash-%d.chatlab", seed))
			}
			out, err := os.Create(file)
			require.NoError(t, err)
			opt := scenarios.Options{Seed: seed, Size: scenarios.Small, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))}
			require.NoError(t, scenarios.Run(t.Context(), embedded.Environment{Reason: "test"}, sc, v, opt, out))
			require.NoError(t, out.Close())
			res, err := scenarios.Judge(sc, v, scenarios.Small, file)
			require.NoError(t, err)
			begun, ended, healed := traces(t, file)
			require.Equal(t, strings.Count(v.Faults(scenarios.Small), "\n")+1, begun, "every gate opened")
			require.Equal(t, []int{begun, begun}, []int{ended, healed}, "every fault is undone, and proved to be")
			n := res.Numbers.Totals
			t.Logf("%d sends, %d acked, %d unknown, %d raw, %d shown, %d disconnects", n.Sends, n.Acked, n.Unknown, n.Raw, n.Shown, n.Disconnects)
			require.NotZero(t, n.Disconnects, "the gateway's death must be visible")
			for _, p := range res.Properties {
				if p.Status != scenarios.Passed {
					t.Errorf("%s\n  wanted: %s\n  seen: %s\n  %v", p.Name, p.Verdict.Expected, p.Verdict.Observed, p.Witnesses)
				}
			}
		})
	}
}

// traces counts what a history tells of faults.
func traces(t *testing.T, file string) (begun, ended, healed int) {
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	r, err := history.NewReader(f)
	require.NoError(t, err)
	for e := (history.Event{}); r.Next(&e) == nil; {
		switch e.Kind {
		case history.FaultBegun:
			begun++
		case history.FaultEnded:
			ended++
		case history.FaultHealed:
			healed++
		}
	}
	return begun, ended, healed
}
