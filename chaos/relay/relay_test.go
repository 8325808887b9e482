package relay_test

import (
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/chaos/relay"
)

var errTimeout = os.ErrDeadlineExceeded

func TestBytesCrossBothWays(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	r.send(client, "hello")
	r.receive(server, "hello")
	r.send(server, "good evening")
	r.receive(client, "good evening")
	stats := r.link.Stats()
	require.EqualValues(t, 5, stats.Forward)
	require.EqualValues(t, 12, stats.Backward)
	require.EqualValues(t, 1, stats.Accepted)
	require.EqualValues(t, 1, stats.Living)
}

func TestHalfCloseIsPassedOn(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	r.send(client, "last words")
	require.NoError(t, client.CloseWrite())
	r.receive(server, "last words")
	require.ErrorIs(t, r.receiveError(server), io.EOF)
	r.send(server, "still here")
	r.receive(client, "still here")
	require.NoError(t, server.Close())
	require.ErrorIs(t, r.receiveError(client), io.EOF)
	require.Eventually(t, func() bool { return r.link.Stats().Living == 0 }, patience, time.Millisecond)
}

func TestResetIsPassedOn(t *testing.T) {
	for _, from := range []string{"client", "server"} {
		t.Run("from "+from, func(t *testing.T) {
			r := newRig(t)
			breaker, other := r.connect()
			if from == "server" {
				breaker, other = other, breaker
			}
			require.NoError(t, breaker.SetLinger(0))
			require.NoError(t, breaker.Close())
			require.ErrorIs(t, r.receiveError(other), syscall.ECONNRESET)
		})
	}
}

func TestEndThatStopsReadingBreaksTheWriter(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	require.NoError(t, server.Close())
	require.ErrorIs(t, r.receiveError(client), io.EOF)
	require.Eventually(t, func() bool {
		_, err := client.Write([]byte("is anyone there?"))
		return err != nil
	}, patience, time.Millisecond)
}

func TestResetAllBreaksBothEnds(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	r.roundTrip(client, server)
	r.link.ResetAll()
	require.ErrorIs(t, r.receiveError(client), syscall.ECONNRESET)
	require.ErrorIs(t, r.receiveError(server), syscall.ECONNRESET)
	client, server = r.connect()
	r.roundTrip(client, server)
}

func TestDeadTargetResetsTheClient(t *testing.T) {
	r := newRig(t)
	r.link.SetTarget("127.0.0.1:1")
	client, err := net.Dial("tcp", r.link.Addr())
	if err == nil {
		defer func() { _ = client.Close() }()
		err = r.receiveError(client)
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.EqualValues(t, 1, r.link.Stats().Failed)
}

func TestTargetMovesUnderAStableAddress(t *testing.T) {
	r := newRig(t)
	address := r.link.Addr()
	oldClient, oldServer := r.connect()
	r.link.SetTarget(r.serve())
	client, server := r.connect()
	require.Equal(t, address, r.link.Addr())
	require.Equal(t, r.link.Target(), server.LocalAddr().String())
	r.roundTrip(client, server)
	r.roundTrip(oldClient, oldServer)
}

func TestCloseEndsEverything(t *testing.T) {
	r := newRig(t)
	client, server := r.connect()
	require.NoError(t, r.link.Cut(relay.Both))
	r.send(client, "never delivered")
	require.NoError(t, r.link.Close())
	require.Error(t, r.receiveError(client))
	require.Error(t, r.receiveError(server))
	_, err := net.Dial("tcp", r.link.Addr())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}
