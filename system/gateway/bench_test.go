package gateway

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const (
	socketsVar = "CHATLAB_GATEWAY_BENCH_SOCKETS" // address of the gateway: this process holds the devices
	stamp      = `"content":"`
)

// TestMain lets a benchmark run its devices in a process of their own, so that their CPU does not count.
func TestMain(m *testing.M) {
	if address := os.Getenv(socketsVar); address != "" {
		if err := runSockets(address, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "sockets:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// rawSocket is the smallest client there is: it makes the handshake, says resume and then only reads.
func rawSocket(address, ticket string) (net.Conn, *bufio.Reader, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintf(c, "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer %s\r\n\r\n", ticket)
	r := bufio.NewReaderSize(c, 16<<10)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		return nil, nil, err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return nil, nil, fmt.Errorf("handshake: %s", res.Status)
	}
	if _, err := c.Write(masked(0x81, []byte(`{"type":"resume"}`))); err != nil {
		return nil, nil, err
	}
	if _, err := readRaw(r); err != nil { // resumed
		return nil, nil, err
	}
	return c, r, nil
}

// masked makes a device's frame of at most 125 bytes, masked with zeros.
func masked(first byte, payload []byte) []byte {
	return append([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
}

// readRaw reads one frame from a gateway.
func readRaw(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(2)
	if err != nil {
		return nil, err
	}
	n, skip := int(head[1]), 2
	if n == 126 {
		if head, err = r.Peek(4); err != nil {
			return nil, err
		}
		n, skip = int(binary.BigEndian.Uint16(head[2:])), 4
	}
	frame, err := r.Peek(skip + n)
	if err != nil {
		return nil, err
	}
	_, err = r.Discard(skip + n)
	return frame[skip:], err
}

type socketsReport struct {
	Frames   int
	P50, P99 time.Duration
}

// runSockets connects with the tickets that it reads, tells when all have resumed, and reports when all have ended.
func runSockets(address string, in io.Reader, out io.Writer) error {
	var tickets []string
	if err := json.NewDecoder(in).Decode(&tickets); err != nil {
		return err
	}
	var mu sync.Mutex
	var all []time.Duration
	var reading sync.WaitGroup
	for _, ticket := range tickets {
		c, r, err := rawSocket(address, ticket)
		if err != nil {
			return err
		}
		reading.Go(func() {
			defer c.Close()
			took := latencies(r)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
		})
	}
	fmt.Fprintln(out, "ready")
	reading.Wait()
	slices.Sort(all)
	report := socketsReport{Frames: len(all)}
	if n := len(all); n > 0 {
		report.P50, report.P99 = all[n/2], all[n*99/100]
	}
	return json.NewEncoder(out).Encode(report)
}

func latencies(r *bufio.Reader) (took []time.Duration) {
	for {
		frame, err := readRaw(r)
		if err != nil {
			return took
		}
		if i := strings.Index(string(frame), stamp); i >= 0 {
			var at int64
			fmt.Sscanf(string(frame[i+len(stamp):i+len(stamp)+20]), "%d", &at)
			took = append(took, time.Duration(time.Now().UnixNano()-at))
		}
	}
}

// sockets starts n devices in another process.
func (w *world) sockets(b *testing.B, n int) (users []chat.ID, stop func() socketsReport) {
	tickets := make([]string, n)
	for i := range tickets {
		users = append(users, chat.NewID())
		tickets[i] = w.ticket(users[i], "phone", 1)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), socketsVar+"="+w.listener.Addr().String())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	require.NoError(b, json.NewEncoder(in).Encode(tickets))
	r := bufio.NewReader(out)
	line, err := r.ReadString('\n')
	require.NoError(b, err)
	require.Equal(b, "ready\n", line)
	return users, func() (report socketsReport) {
		w.g.Close()
		require.NoError(b, json.NewDecoder(r).Decode(&report))
		require.NoError(b, cmd.Wait())
		return report
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFanOut pushes 300-byte messages to 500 sockets over a worker's gRPC stream. An operation is one message, so
// 500 pushes. The CPU is that of this process: the gateway and the worker's end of the stream, without the devices.
func BenchmarkFanOut(b *testing.B) {
	b.Run("paced=100", func(b *testing.B) { benchmarkFanOut(b, 100) })
	b.Run("full", func(b *testing.B) { benchmarkFanOut(b, 0) })
}

func benchmarkFanOut(b *testing.B, perSecond int) {
	const sockets = 500
	w := newWorld(b, nil)
	users, stop := w.sockets(b, sockets)
	stream, err := w.worker.Deliver(context.Background())
	require.NoError(b, err)
	conv := chat.NewID()
	audience := &pb.Delivery{Number: 1, ConversationId: conv[:], Audience: true, Users: wire.IDBytes(users...)}
	require.NoError(b, stream.Send(&pb.DeliverRequest{Deliveries: []*pb.Delivery{audience}}))
	_, err = stream.Recv()
	require.NoError(b, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	b.ResetTimer()
	if perSecond > 0 {
		deliverPaced(b, stream, conv, perSecond)
	} else {
		w.deliverFull(b, stream, conv)
	}
	require.Eventually(b, func() bool { return w.g.outbox.Load() == 0 }, 10*time.Second, time.Millisecond)
	b.StopTimer()
	took, used := time.Since(start), cpuTime()-cpu
	runtime.ReadMemStats(&after)
	report := stop()
	pushes := float64(b.N * sockets)
	require.Equal(b, b.N*sockets, report.Frames)
	b.ReportMetric(pushes/took.Seconds(), "pushes/s")
	b.ReportMetric(pushes/used.Seconds(), "pushes/core-s")
	b.ReportMetric(used.Seconds()/took.Seconds(), "cores")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/pushes, "allocs/push")
	b.ReportMetric(pushes/w.metric("chat_gateway_flushes_total"), "frames/flush")
	b.ReportMetric(float64(report.P50.Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(report.P99.Microseconds())/1000, "p99-ms")
}

func benchFrame() []byte {
	m := chat.Message{ID: chat.NewID(), ConversationID: chat.NewID(), SenderID: chat.NewID(), ClientMsgID: chat.NewID(), Type: chat.TypeText,
		Content: fmt.Sprintf("%020d%s", time.Now().UnixNano(), strings.Repeat("x", 280)), CreatedAt: time.Now()}
	return wire.Encode(wire.MessageFrame(m))
}

func deliver(b *testing.B, stream pb.Gateway_DeliverClient, conv chat.ID, first, n int) {
	req := &pb.DeliverRequest{}
	for i := range n {
		req.Deliveries = append(req.Deliveries, &pb.Delivery{Number: uint64(first + i), ConversationId: conv[:], Frame: benchFrame()})
	}
	require.NoError(b, stream.Send(req))
	_, err := stream.Recv()
	require.NoError(b, err)
}

func deliverPaced(b *testing.B, stream pb.Gateway_DeliverClient, conv chat.ID, perSecond int) {
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for i := range b.N {
		<-tick.C
		deliver(b, stream, conv, 2+i, 1)
	}
}

// deliverFull goes as fast as the sockets take it.
func (w *world) deliverFull(b *testing.B, stream pb.Gateway_DeliverClient, conv chat.ID) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := 0; i < b.N; {
		n := min(32, b.N-i)
		deliver(b, stream, conv, 2+i, n)
		for i += n; w.g.outbox.Load() > 16<<20; {
			<-tick.C
		}
	}
}

// BenchmarkIdleSession measures what an authenticated session at rest holds in heap and stacks, after the collector
// has run. The devices are in another process; what the kernel holds is not counted.
func BenchmarkIdleSession(b *testing.B) {
	const sockets = 2000
	for range b.N {
		w := newWorld(b, nil)
		before := held()
		_, stop := w.sockets(b, sockets)
		require.EqualValues(b, sockets, w.g.connections.Load())
		after := held()
		b.ReportMetric(float64(after.heap-before.heap)/sockets, "heap-B/session")
		b.ReportMetric(float64(after.stacks-before.stacks)/sockets, "stack-B/session")
		each := float64(after.heap+after.stacks-before.heap-before.stacks) / sockets
		b.ReportMetric(each, "B/session")
		require.LessOrEqual(b, each, 16.0*1024)
		stop()
	}
}

type holding struct{ heap, stacks uint64 }

func held() holding {
	var m runtime.MemStats
	for range 5 { // pools empty in two cycles, stacks shrink in several
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return holding{m.HeapInuse, m.StackInuse}
}
