package relay_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/chaos/relay"
)

func TestProbeFindsWhatIsLeftOfAFault(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.link.Probe(t.Context()))
	for _, f := range []relay.Fault{{CutBackward: true}, {Refuse: true}, {Jitter: time.Millisecond}, {BytesPerSecond: 1}} {
		lift, err := r.link.Impose(f)
		require.NoError(t, err)
		require.ErrorContains(t, r.link.Probe(t.Context()), "link a->b still has a fault")
		require.NoError(t, lift())
		require.NoError(t, r.link.Probe(t.Context()))
	}
	require.Eventually(t, func() bool { return r.link.Stats().Living == 0 }, patience, time.Millisecond, "a probe leaves no connection")
}

func TestProbeFailsWhileNobodyListensAtTheTarget(t *testing.T) {
	r := newRig(t)
	target := r.link.Target()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	r.link.SetTarget(gone.Addr().String())
	require.ErrorContains(t, r.link.Probe(t.Context()), "probe link a->b to "+gone.Addr().String())
	r.link.SetTarget(target)
	require.NoError(t, r.link.Probe(t.Context()))

	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.link.Probe(over), context.Canceled)
}
