package network_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/chatlab/chatlab/sim/network"
)

func TestConnConforms(t *testing.T) {
	for name, config := range map[string]network.Config{
		"at once":      {},
		"with latency": {Latency: network.Jittered(1, 10*time.Microsecond, 100*time.Microsecond)},
	} {
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				r := newRig(t, config)
				client, server := r.connect()
				return client, server, func() { _ = client.Close(); _ = server.Close() }, nil
			})
		})
	}
}

// rig is a network with a client host and a server host that listens.
type rig struct {
	*testing.T
	*network.Network
	listener net.Listener
}

func newRig(t *testing.T, config network.Config) *rig {
	r := &rig{T: t, Network: network.New(config)}
	var err error
	r.listener, err = r.Host("server").Listen("tcp", ":80")
	require.NoError(t, err)
	return r
}

func (r *rig) connect() (client, server *network.Conn) {
	conn, err := r.Host("client").DialContext(context.Background(), "tcp", "server:80")
	require.NoError(r, err)
	accepted, err := r.listener.Accept()
	require.NoError(r, err)
	return conn.(*network.Conn), accepted.(*network.Conn)
}

func (r *rig) send(conn net.Conn, text string) {
	r.Helper()
	n, err := conn.Write([]byte(text))
	require.NoError(r, err)
	require.Equal(r, len(text), n)
}

func (r *rig) receive(conn net.Conn, text string) {
	r.Helper()
	buffer := make([]byte, len(text))
	_, err := io.ReadFull(conn, buffer)
	require.NoError(r, err)
	require.Equal(r, text, string(buffer))
}

func (r *rig) readError(conn net.Conn) error {
	r.Helper()
	n, err := conn.Read(make([]byte, 1))
	require.Zero(r, n)
	require.Error(r, err)
	return err
}

// silent expects nothing to arrive within a second of virtual time.
func (r *rig) silent(conn net.Conn) {
	r.Helper()
	require.NoError(r, conn.SetReadDeadline(time.Now().Add(time.Second)))
	require.ErrorIs(r, r.readError(conn), os.ErrDeadlineExceeded)
	require.NoError(r, conn.SetReadDeadline(time.Time{}))
}

func wait(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
}

func bubble(t *testing.T, config network.Config, test func(*rig)) {
	synctest.Test(t, func(t *testing.T) { test(newRig(t, config)) })
}

func TestAddresses(t *testing.T) {
	r := newRig(t, network.Config{})
	client, server := r.connect()
	require.IsType(t, &net.TCPAddr{}, client.LocalAddr())
	require.Equal(t, client.LocalAddr().String(), server.RemoteAddr().String())
	require.Equal(t, r.listener.Addr().String(), client.RemoteAddr().String())
	require.Equal(t, "10.0.0.1:80", r.listener.Addr().String())
	require.Equal(t, "192.0.2.7", r.Host("192.0.2.7").IP().String())

	loopback, err := r.Host("server").Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, err = r.Host("client").DialContext(context.Background(), "tcp", loopback.Addr().String())
	require.NoError(t, err, "what listens on loopback is reached at the host's address")
}

func TestDialErrors(t *testing.T) {
	r := newRig(t, network.Config{})
	dial := func(address string) error {
		_, err := r.Host("client").DialContext(context.Background(), "tcp", address)
		return err
	}
	require.ErrorIs(t, dial("server:81"), syscall.ECONNREFUSED)
	require.EqualError(t, dial("server:81"), "dial tcp server:81: connect: connection refused")
	require.ErrorIs(t, dial("127.0.0.1:80"), syscall.ECONNREFUSED, "loopback is the dialling host itself")
	require.ErrorIs(t, dial("192.0.2.1:80"), syscall.EHOSTUNREACH)
	var unknown *net.DNSError
	require.ErrorAs(t, dial("nobody:80"), &unknown)
	require.Error(t, dial("server"))
	require.Error(t, dial("server:http"))
	_, err := r.Host("server").Listen("tcp", ":80")
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	require.NoError(t, r.listener.Close())
	require.ErrorIs(t, r.listener.Close(), net.ErrClosed)
	_, err = r.Host("server").Listen("tcp", ":80")
	require.NoError(t, err)
}

func TestHalfClose(t *testing.T) {
	bubble(t, network.Config{}, func(r *rig) {
		client, server := r.connect()
		r.send(client, "last words")
		require.NoError(r, client.CloseWrite())
		_, err := client.Write([]byte("x"))
		require.ErrorIs(r, err, syscall.EPIPE)
		r.receive(server, "last words")
		require.Equal(r, io.EOF, r.readError(server))
		r.send(server, "still here")
		r.receive(client, "still here")
		require.NoError(r, server.Close())
		require.Equal(r, io.EOF, r.readError(client))
		require.NoError(r, client.Close())
		require.ErrorIs(r, client.Close(), net.ErrClosed)
		require.Zero(r, r.Living())
	})
}

func TestResets(t *testing.T) {
	bubble(t, network.Config{}, func(r *rig) {
		client, server := r.connect()
		r.send(client, "unread")
		r.send(server, "sent before")
		require.NoError(r, server.Close(), "with unread bytes")
		r.receive(client, "sent before")
		require.ErrorIs(r, r.readError(client), syscall.ECONNRESET)

		client, server = r.connect()
		require.NoError(r, server.SetLinger(0))
		require.NoError(r, server.Close())
		require.ErrorIs(r, r.readError(client), syscall.ECONNRESET)
		_, err := client.Write([]byte("x"))
		require.ErrorIs(r, err, syscall.EPIPE)

		client, server = r.connect()
		require.NoError(r, server.Close())
		r.send(client, "succeeds, for the end is not known to be gone")
		_, err = client.Write([]byte("x"))
		require.ErrorIs(r, err, syscall.EPIPE)
		require.NoError(r, client.Close())
		require.Zero(r, r.Living())
	})
}

func TestWindowBlocksTheWriter(t *testing.T) {
	bubble(t, network.Config{}, func(r *rig) {
		client, server := r.connect()
		sent := bytes.Repeat([]byte("0123456789"), 100_000)
		require.NoError(r, client.SetWriteDeadline(time.Now().Add(time.Second)))
		n, err := client.Write(sent)
		require.ErrorIs(r, err, os.ErrDeadlineExceeded)
		require.Equal(r, 256<<10, n)
		require.NoError(r, client.SetWriteDeadline(time.Time{}))
		go func() {
			_, _ = client.Write(sent[n:])
			_ = client.Close()
		}()
		received, err := io.ReadAll(server)
		require.NoError(r, err)
		require.True(r, bytes.Equal(sent, received))
	})
}

func TestCutHoldsAndHealDelivers(t *testing.T) {
	bubble(t, network.Config{}, func(r *rig) {
		client, server := r.connect()
		r.send(client, "before ")
		r.Cut("client", "server")
		r.send(client, "during ")
		r.receive(server, "before ")
		r.silent(server)
		r.send(server, "the other way is open")
		r.receive(client, "the other way is open")
		require.NoError(r, client.Close())
		r.silent(server)
		r.Heal("server", "client")
		r.receive(server, "during ")
		require.Equal(r, io.EOF, r.readError(server))
	})
}

func TestDialsHangInAPartitionAndGoOnAfterIt(t *testing.T) {
	bubble(t, network.Config{}, func(r *rig) {
		r.Partition("client", "server")
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		_, err := r.Host("client").DialContext(ctx, "tcp", "server:80")
		var timeout net.Error
		require.ErrorAs(r, err, &timeout)
		require.True(r, timeout.Timeout())

		began := time.Now()
		time.AfterFunc(10*time.Second, r.HealAll)
		client, server := r.connect()
		require.Equal(r, 15*time.Second, time.Since(began), "the fifth request, after 1, 3, 7 and 15 s, arrives")
		r.send(client, "patient")
		r.receive(server, "patient")

		r.Partition("client", "server")
		began = time.Now()
		_, err = r.Host("client").DialContext(r.Context(), "tcp", "server:80")
		require.ErrorIs(r, err, syscall.ETIMEDOUT)
		require.Equal(r, 127*time.Second, time.Since(began))
	})
}

func TestCrashBreaksEverythingAndRestartForgets(t *testing.T) {
	bubble(t, network.Config{}, func(r *rig) {
		client, server := r.connect()
		cutClient, cutServer := r.connect()
		r.send(server, "received before")
		r.Crash("server")
		r.receive(client, "received before")
		require.ErrorIs(r, r.readError(client), syscall.ECONNRESET)
		require.Error(r, r.readError(server))
		require.Error(r, r.readError(cutServer))
		require.Error(r, r.readError(cutClient))
		_, err := r.listener.Accept()
		require.ErrorIs(r, err, net.ErrClosed)
		_, err = r.Host("client").DialContext(r.Context(), "tcp", "server:80")
		require.ErrorIs(r, err, syscall.ECONNREFUSED)
		_, err = r.Host("server").Listen("tcp", ":80")
		require.Error(r, err)
		require.Zero(r, r.Living())

		r.Restart("server")
		r.listener, err = r.Host("server").Listen("tcp", ":80")
		require.NoError(r, err)
		client, server = r.connect()
		r.send(client, "hello again")
		r.receive(server, "hello again")
	})
}

func TestCrashInAPartitionIsLearntAfterIt(t *testing.T) {
	bubble(t, network.Config{}, func(r *rig) {
		client, _ := r.connect()
		r.Partition("client", "server")
		r.Crash("server")
		r.silent(client)
		r.HealAll()
		require.ErrorIs(r, r.readError(client), syscall.ECONNRESET)
	})
}

func TestReset(t *testing.T) {
	bubble(t, network.Config{}, func(r *rig) {
		client, server := r.connect()
		require.Equal(r, 1, r.Reset("server", "client"))
		require.ErrorIs(r, r.readError(client), syscall.ECONNRESET)
		require.ErrorIs(r, r.readError(server), syscall.ECONNRESET)
		require.Zero(r, r.Reset("server", "client"))
	})
}

func TestLatencyIsExactInVirtualTime(t *testing.T) {
	latency := func(s network.Segment) time.Duration {
		if s.From == "client" {
			return 30 * time.Millisecond
		}
		return 10 * time.Millisecond
	}
	bubble(t, network.Config{Latency: latency}, func(r *rig) {
		began := time.Now()
		client, server := r.connect()
		require.Equal(r, 40*time.Millisecond, time.Since(began), "connecting is a round trip")
		began = time.Now()
		for range 100 {
			r.send(client, "ping ")
		}
		r.receive(server, strings.Repeat("ping ", 100))
		require.Equal(r, 30*time.Millisecond, time.Since(began), "segments travel side by side")
		require.NoError(r, client.Close())
		require.Equal(r, io.EOF, r.readError(server))
		require.Equal(r, 60*time.Millisecond, time.Since(began))
		require.NoError(r, server.Close())
		wait(time.Second)
		require.Zero(r, r.Living())
	})
}

func TestJitterKeepsOrderAndRepeats(t *testing.T) {
	journey := func() (arrivals []time.Duration) {
		bubble(t, network.Config{Latency: network.Jittered(7, time.Millisecond, 50*time.Millisecond)}, func(r *rig) {
			client, server := r.connect()
			began := time.Now()
			for i := range 50 {
				r.send(client, string(rune('A'+i)))
			}
			for i := range 50 {
				r.receive(server, string(rune('A'+i)))
				arrivals = append(arrivals, time.Since(began))
			}
		})
		return arrivals
	}
	first := journey()
	require.Equal(t, first, journey())
	require.Greater(t, first[49], first[0])
}

func TestDeadlinesFollowVirtualTime(t *testing.T) {
	bubble(t, network.Config{}, func(r *rig) {
		client, server := r.connect()
		for _, limit := range []time.Duration{time.Hour, time.Minute} {
			began := time.Now()
			require.NoError(r, client.SetReadDeadline(began.Add(24*time.Hour)))
			require.NoError(r, client.SetReadDeadline(began.Add(limit)))
			err := r.readError(client)
			require.ErrorIs(r, err, os.ErrDeadlineExceeded)
			require.Equal(r, limit, time.Since(began))
			var timeout net.Error
			require.True(r, errors.As(err, &timeout) && timeout.Timeout())
		}
		require.NoError(r, client.SetReadDeadline(time.Time{}))
		r.send(server, "late")
		r.receive(client, "late")
	})
}

func TestServesHTTP(t *testing.T) {
	bubble(t, network.Config{Latency: network.Jittered(1, time.Millisecond, 3*time.Millisecond)}, func(r *rig) {
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { _, _ = io.Copy(w, q.Body) })}
		go func() { _ = server.Serve(r.listener) }()
		transport := &http.Transport{DialContext: r.Host("client").DialContext}
		text := strings.Repeat("x", 1<<20)
		response, err := (&http.Client{Transport: transport}).Post("http://server:80/", "text/plain", strings.NewReader(text))
		require.NoError(r, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(r, err)
		require.Equal(r, len(text), len(body))
		require.NoError(r, response.Body.Close())
		transport.CloseIdleConnections()
		require.NoError(r, server.Close())
		wait(time.Second) // the server lingers for half a second
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	n := network.New(network.Config{})
	listener, err := n.Host("server").Listen("tcp", ":80")
	require.NoError(b, err)
	go func() {
		conn, _ := listener.Accept()
		_, _ = io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
	}()
	conn, err := n.Host("client").DialContext(context.Background(), "tcp", "server:80")
	require.NoError(b, err)
	defer func() { _ = conn.Close() }()
	message := make([]byte, 300)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = conn.Write(message)
		_, _ = io.ReadFull(conn, message)
	}
}
