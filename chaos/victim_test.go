package chaos_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/chaos"
)

// TestFaultsOfOneProcessCompose: what one fault asks of a process stays until that fault ends, whatever others do.
func TestFaultsOfOneProcessCompose(t *testing.T) {
	for name, c := range map[string]struct {
		schedule string
		trace    []string
	}{
		"the last of two kills starts it": {
			"at 1s kill gateway-1 for 4s\nat 2s kill gateway-1 for 1s",
			[]string{"1s kill gateway-1", "5s start gateway-1"}},
		"a stop of what is down does nothing": {
			"at 1s kill gateway-1 for 1s\nat 1500ms stop gateway-1 for 5s",
			[]string{"1s kill gateway-1", "6.5s start gateway-1"}},
		"a stop ends in order": {
			"at 1s stop gateway-1 for 1s",
			[]string{"1s stop gateway-1", "2s start gateway-1"}},
		"the last of two freezes thaws it": {
			"at 1s freeze gateway-1 for 4s\nat 2s freeze gateway-1 for 1s",
			[]string{"1s freeze gateway-1", "5s thaw gateway-1"}},
		"who comes back while frozen is frozen again": {
			"at 1s freeze gateway-1 for 4s\nat 2s kill gateway-1 for 1s",
			[]string{"1s freeze gateway-1", "2s kill gateway-1", "3s start gateway-1", "3s freeze gateway-1", "5s thaw gateway-1"}},
		"who is frozen while dead comes back frozen": {
			"at 1s kill gateway-1 for 2s\nat 2s freeze gateway-1 for 3s",
			[]string{"1s kill gateway-1", "3s start gateway-1", "3s freeze gateway-1", "5s thaw gateway-1"}},
		"a freeze that ends meanwhile is nobody's": {
			"at 1s kill gateway-1 for 4s\nat 2s freeze gateway-1 for 1s",
			[]string{"1s kill gateway-1", "5s start gateway-1"}},
		"a restart thaws nobody": {
			"at 1s freeze gateway-1 for 3s\nat 2s restart gateway-1",
			[]string{"1s freeze gateway-1", "2s kill gateway-1", "2s start gateway-1", "2s freeze gateway-1", "4s thaw gateway-1"}},
		"clocks add up": {
			"at 1s skew message-1 500ms for 3s\nat 2s skew message-1 -200ms for 1s",
			[]string{"1s skew message-1 500ms", "2s skew message-1 300ms", "3s skew message-1 500ms", "4s skew message-1 0s"}},
		"the tightest limit counts": {
			"at 1s memory message-1 64MB for 3s\nat 2s memory message-1 32MB for 4s",
			[]string{"1s limit message-1 67108864", "2s limit message-1 33554432", "6s limit message-1 0"}},
		"who is killed for its memory comes back when the limit is gone": {
			"at 1s memory message-1 1KB for 2s",
			[]string{"1s limit message-1 1024", "3s limit message-1 0", "3s start message-1"}},
		"a drain of what is down is left out": {
			"at 1s kill gateway-1 for 3s\nat 2s drain gateway-1 over 1s",
			[]string{"1s kill gateway-1", "4s start gateway-1"}},
		"an eviction of what is down is left out": {
			"at 1s kill gateway-1 for 3s\nat 2s evict gateway-1 10%",
			[]string{"1s kill gateway-1", "4s start gateway-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				require.NoError(t, chaos.Run(t.Context(), parse(t, c.schedule), w, w.lab()))
				require.Equal(t, c.trace, w.trace)
			})
		})
	}
}

func TestHistoryHearsOfAKillForMemoryAndOfWhatFoundNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		require.NoError(t, chaos.Run(t.Context(), parse(t, "at 1s memory message-1 1KB for 2s\nat 1s kill gateway-1 for 9s\nat 5s drain gateway-1 over 1s"), w, w.lab()))
		require.Contains(t, w.told(), "noted memory message-1 1KB: killed, for it held 1024 KB")
		require.Contains(t, w.told(), "refused drain gateway-1 over 1s: nothing runs there")
	})
}

func TestAFailedStepOfAnUndoIsGoneOnWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fail["freeze gateway-1"] = 2
		err := chaos.Run(t.Context(), parse(t, "at 1s kill gateway-1 for 1s\nat 1500ms freeze gateway-1 for 5s"), w, w.lab())
		require.NoError(t, err)
		require.Equal(t, []string{"1s kill gateway-1", "2s start gateway-1", "2.4s freeze gateway-1", "6.5s thaw gateway-1"}, w.trace)
	})
}

func TestARefusalNamesTheWorldThatCan(t *testing.T) {
	limits := chaos.Limits{World: "embedded", Refusals: []chaos.Refusal{
		{Verbs: []string{"cut", "kill"}, Names: []string{"kafka-*"}, Why: "its brokers are no processes", Needs: "containers"},
		{Verbs: []string{"skew"}, Names: []string{"kafka-*", "redis-*"}, Why: "its clock is the machine's"},
	}}
	for text, want := range map[string]string{
		"kill kafka-2":                 "needs the world containers; world embedded cannot: its brokers are no processes",
		"cut kafka-*->kafka-2":         "needs the world containers; world embedded cannot: its brokers are no processes",
		"skew redis-cache 1s":          "no world can: its clock is the machine's",
		"cut message-1<->kafka-2":      "",
		"cut *<->*":                    "",
		"skew message-1 1s":            "",
		"freeze kafka-2":               "",
		"latency kafka-1<->kafka-2 1s": "",
	} {
		err := limits.Refuse(parse(t, "at 0s "+text)[0].Fault)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, want)
		var unavailable *chaos.Unavailable
		require.ErrorAs(t, err, &unavailable)
	}
}

// TestARunThatIsInterruptedUndoesEverything: an interrupt ends ctx in the middle of many faults at once.
func TestARunThatIsInterruptedUndoesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		require.NoError(t, chaos.Run(ctx, parse(t, `at 1s kill gateway-1
at 1s freeze message-1
at 1s skew message-1 3s
at 1s memory message-1 64MB`), w, w.lab()))
		require.ElementsMatch(t, []string{"2s start gateway-1", "2s thaw message-1", "2s skew message-1 0s", "2s limit message-1 0"}, w.trace[4:])
	})
}
