package scenarios_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/system/gateway"
)

// TestPresenceIsHeldToWhatGatewaysState: the lab gives a little for calls, and nothing else.
func TestPresenceIsHeldToWhatGatewaysState(t *testing.T) {
	const calls = 3 * time.Second
	for _, ttl := range []time.Duration{3 * time.Second, 12 * time.Second, time.Minute} {
		stated := gateway.Config{PresenceTTL: ttl}.Freshness()
		asked := scenarios.Play{PresenceTTL: ttl}.Freshness(true)
		require.Equal(t, stated.Online+calls, asked.Online)
		require.Equal(t, stated.Offline+calls, asked.Offline)
		require.InDelta(t, stated.Again+calls, asked.Again, float64(ttl/60))
	}
	require.Equal(t, scenarios.Play{PresenceTTL: time.Minute}.Freshness(true), scenarios.Play{}.Freshness(true), "the document's TTL")
	require.Zero(t, scenarios.Play{}.Freshness(false).Again)
}
