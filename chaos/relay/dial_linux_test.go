package relay_test

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/chaos/relay"
)

func TestDialsHangDuringACutAndGoOnAfterIt(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.link.Cut(relay.Backward))
	_, err := net.DialTimeout("tcp", r.link.Addr(), 200*time.Millisecond)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())

	dialled := make(chan error, 1)
	go func() {
		conn, err := net.DialTimeout("tcp", r.link.Addr(), patience)
		if err == nil {
			defer func() { _ = conn.Close() }()
			_, err = conn.Write([]byte("patient"))
		}
		dialled <- err
	}()
	select {
	case err := <-dialled:
		require.FailNow(t, "the dial did not hang", err)
	case <-time.After(100 * time.Millisecond):
	}
	require.NoError(t, r.link.Heal())
	require.NoError(t, <-dialled)
	server := <-r.accepted
	defer func() { _ = server.Close() }()
	r.receive(server, "patient")
	require.EqualValues(t, 1, r.link.Stats().Accepted, "the plugs are not connections")
}
