package sockets_test

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/embedded"
	"github.com/chatlab/chatlab/scenarios/environment/pod"
	"github.com/chatlab/chatlab/scenarios/load"
	"github.com/chatlab/chatlab/scenarios/sockets"
	"github.com/chatlab/chatlab/system/chat"
)

func TestMain(m *testing.M) {
	pod.Main()
	load.Main()
	os.Exit(m.Run())
}

// TestSocketsComeBack holds 200 sockets from two processes, kills one of two gateways, and finds all of them again.
func TestSocketsComeBack(t *testing.T) {
	sw, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	sys, err := embedded.Environment{Reason: "test"}.Start(t.Context(), scenarios.Spec{
		Topology: scenarios.Topology{Gateways: 2, Messages: 1, Workers: 1, Presences: 1, Partitions: 6}, Switches: sw, Log: log, Direct: true,
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, sys.Close()) }()
	res, err := sockets.Measure(t.Context(), sys, 2, sockets.Config{
		Count: 200, Processes: 2, Reconnect: "jitter", Idle: time.Second, Restart: time.Second, Seed: 1, Say: func(text string) { t.Log(text) },
	})
	require.NoError(t, err)
	t.Logf("%+v", res)
	sum := 0
	for _, n := range res.Storm.Curve {
		sum += n
	}
	require.Equal(t, res.Storm.Lost, sum, "the curve holds every device that came back")
	require.InDelta(t, 100, res.Storm.Lost, 40)
	require.Positive(t, res.Storm.To99S)
	require.LessOrEqual(t, res.Storm.To99S, res.Storm.ToAllS)
	require.LessOrEqual(t, res.Storm.WaitS.P50, res.Storm.WaitS.Max)
	require.Positive(t, res.Storm.PeakPerS)
	require.True(t, res.Storm.Restarted)
	require.Less(t, res.Held.DeviceRoutines, 3.0, "an idle device costs its reader; the rest are idle connections to the edge, which all share")
	require.Less(t, res.Held.DeviceHeap, 64e3)
}
