package relay_test

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/chaos/relay"
)

// patience bounds every wait for something that must happen.
const patience = 10 * time.Second

// rig is a link to a listener whose accepted connections the test holds.
type rig struct {
	*testing.T
	link     *relay.Link
	accepted chan *net.TCPConn
}

func newRig(t *testing.T) *rig {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		require.Eventually(t, func() bool { return runtime.NumGoroutine()-1 <= before }, patience, time.Millisecond, "goroutines outlive the link")
	})
	r := &rig{T: t, accepted: make(chan *net.TCPConn, 64)}
	var err error
	r.link, err = relay.New(relay.Config{From: "a", To: "b", Target: r.serve(), Seed: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.link.Close()) })
	return r
}

// serve listens and hands every connection to the test.
func (r *rig) serve() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(r, err)
	r.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.accepted <- conn.(*net.TCPConn)
		}
	}()
	return listener.Addr().String()
}

func (r *rig) dial() *net.TCPConn {
	conn, err := net.DialTimeout("tcp", r.link.Addr(), patience)
	require.NoError(r, err)
	r.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

// connect opens a connection through the link and returns both ends.
func (r *rig) connect() (client, server *net.TCPConn) {
	client = r.dial()
	select {
	case server = <-r.accepted:
	case <-time.After(patience):
		require.FailNow(r, "the connection does not reach the target")
	}
	r.Cleanup(func() { _ = server.Close() })
	return client, server
}

func (r *rig) send(conn net.Conn, text string) {
	_, err := conn.Write([]byte(text))
	require.NoError(r, err)
}

// receive expects exactly this text to arrive next.
func (r *rig) receive(conn net.Conn, text string) {
	r.Helper()
	require.NoError(r, conn.SetReadDeadline(time.Now().Add(patience)))
	buffer := make([]byte, len(text))
	_, err := io.ReadFull(conn, buffer)
	require.NoError(r, err)
	require.Equal(r, text, string(buffer))
}

// receiveError expects the connection to end, and returns how.
func (r *rig) receiveError(conn net.Conn) error {
	r.Helper()
	require.NoError(r, conn.SetReadDeadline(time.Now().Add(patience)))
	n, err := conn.Read(make([]byte, 1))
	require.Zero(r, n)
	require.Error(r, err)
	return err
}

// silent expects that nothing arrives for a while.
func (r *rig) silent(conn net.Conn) {
	r.Helper()
	require.NoError(r, conn.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	n, err := conn.Read(make([]byte, 1))
	require.Zero(r, n, "a byte got through")
	require.ErrorIs(r, err, errTimeout)
}

// roundTrip measures the quickest of several echoes.
func (r *rig) roundTrip(client, server net.Conn) time.Duration {
	best := time.Hour
	for range 10 {
		start := time.Now()
		r.send(client, "ping")
		r.receive(server, "ping")
		r.send(server, "pong")
		r.receive(client, "pong")
		best = min(best, time.Since(start))
	}
	return best
}
