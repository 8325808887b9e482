package relay_test

import (
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/chaos/relay"
)

// path opens an address that leads to target.
type path func(b *testing.B, target string) string

func directly(_ *testing.B, target string) string { return target }

func through(setup func(*relay.Link)) path {
	return func(b *testing.B, target string) string {
		link, err := relay.New(relay.Config{From: "a", To: "b", Target: target})
		require.NoError(b, err)
		b.Cleanup(func() { _ = link.Close() })
		setup(link)
		return link.Addr()
	}
}

// spliced is the cheapest relay that Go offers, io.Copy between two TCP connections: the yardstick.
func spliced(b *testing.B, target string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				out, err := net.Dial("tcp", target)
				if err != nil {
					return
				}
				go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
				_, _ = io.Copy(out, in)
				_ = out.(*net.TCPConn).CloseWrite()
			}()
		}
	}()
	return listener.Addr().String()
}

func paths() map[string]path {
	return map[string]path{
		"direct":  directly,
		"splice":  spliced,
		"clear":   through(func(*relay.Link) {}),
		"latency": through(func(l *relay.Link) { l.SetLatency(time.Millisecond, 0) }),
		"wide":    through(func(l *relay.Link) { l.SetBandwidth(10 << 30) }),
	}
}

// BenchmarkBulk moves 1 MB per operation one way; the relay's cost is the difference to direct.
func BenchmarkBulk(b *testing.B) {
	for name, path := range paths() {
		b.Run(name, func(b *testing.B) { stream(b, path, 1<<20, 64<<10) })
	}
}

// BenchmarkMessages sends one 300-byte message per operation, one write each, one way, without waiting.
func BenchmarkMessages(b *testing.B) {
	for name, path := range paths() {
		b.Run(name, func(b *testing.B) { stream(b, path, 300, 300) })
	}
}

// BenchmarkRoundTrip sends one 300-byte message per operation and waits for its echo.
func BenchmarkRoundTrip(b *testing.B) {
	for name, path := range paths() {
		b.Run(name, func(b *testing.B) { pingPong(b, path) })
	}
}

func stream(b *testing.B, through path, size, chunk int) {
	conn, received := dialSink(b, through)
	message := make([]byte, chunk)
	measureCPU(b, func() {
		for range b.N {
			for range size / chunk {
				_, err := conn.Write(message)
				require.NoError(b, err)
			}
		}
		require.NoError(b, conn.(*net.TCPConn).CloseWrite())
		require.EqualValues(b, b.N*size, <-received)
	})
}

func dialSink(b *testing.B, through path) (net.Conn, <-chan int64) {
	received := make(chan int64, 1)
	target := serveOnce(b, func(conn net.Conn) {
		n, _ := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{conn}, make([]byte, 64<<10))
		received <- n
	})
	conn, err := net.Dial("tcp", through(b, target))
	require.NoError(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	return conn, received
}

func pingPong(b *testing.B, through path) {
	target := serveOnce(b, func(conn net.Conn) {
		_, _ = io.CopyBuffer(struct{ io.Writer }{conn}, struct{ io.Reader }{conn}, make([]byte, 4096))
	})
	conn, err := net.Dial("tcp", through(b, target))
	require.NoError(b, err)
	defer func() { _ = conn.Close() }()
	message := make([]byte, 300)
	measureCPU(b, func() {
		for range b.N {
			_, err := conn.Write(message)
			require.NoError(b, err)
			_, err = io.ReadFull(conn, message)
			require.NoError(b, err)
		}
	})
}

func serveOnce(b *testing.B, serve func(net.Conn)) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	var served sync.WaitGroup
	served.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		serve(conn)
	})
	b.Cleanup(func() { _ = listener.Close(); served.Wait() })
	return listener.Addr().String()
}

func measureCPU(b *testing.B, work func()) {
	before := processCPU()
	b.ResetTimer()
	work()
	b.StopTimer()
	b.ReportMetric(float64((processCPU()-before).Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
}

func processCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
