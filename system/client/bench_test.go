package client

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// busy is a message frame of the size that the lab's workload has.
func busy(seq int64) []byte {
	m := msg(seq)
	m.ClientMsgID, m.Content = chat.NewID(), strings.Repeat("0123456789", 30)
	return wire.Encode(wire.MessageFrame(m))
}

// BenchmarkDecode is what reading one message frame costs, without the socket.
func BenchmarkDecode(b *testing.B) {
	data := busy(1)
	var f frame
	b.ReportAllocs()
	for b.Loop() {
		if err := f.decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReceive is a message frame from bytes to the observer's Raw and Shown, without the socket.
func BenchmarkReceive(b *testing.B) {
	events := 0
	c, err := New(Config{
		EdgeURL: "http://edge", Token: func(context.Context) (string, error) { return "", nil }, UserID: self, Device: "phone",
		Observe: func(Event) { events++ }, Defects: Defects{NoDedupe: true}, // one frame again and again
	})
	require.NoError(b, err)
	data := busy(1)
	l := &link{}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.receive(l, data); err != nil {
			b.Fatal(err)
		}
	}
	require.Equal(b, 2*b.N, events)
}

// BenchmarkSocket is a message frame from a loopback socket to the observer; the gateway's joined write is included.
func BenchmarkSocket(b *testing.B) {
	shown := make(chan struct{})
	n, want := 0, 0
	conns := make(chan *pusher, 1)
	url, stop := idleServer(b, func(ws *pusher) { conns <- ws })
	defer stop()
	c, err := New(Config{
		EdgeURL: url, Token: func(context.Context) (string, error) { return "", nil }, UserID: self, Device: "phone",
		Defects: Defects{NoDedupe: true},
		Observe: func(e Event) {
			if e.Kind == Shown {
				if n++; n == want {
					close(shown)
				}
			}
		},
	})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	peer := <-conns
	data := busy(1)
	want = b.N
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		peer.write(b, data)
	}
	peer.flush(b)
	<-shown
	b.StopTimer()
	cancel()
	<-done
}

// BenchmarkIdle reports what one connected, idle device costs in memory, its gateway's end in this process taken off.
func BenchmarkIdle(b *testing.B) {
	const devices = 500
	for range b.N {
		up := make(chan struct{}, devices)
		url, stop := idleServer(b, func(*pusher) {})
		shared := NewHTTP(transport.Network{}, nil)
		ctx, cancel := context.WithCancel(context.Background())
		bare := liveBytes()
		sockets := rawSockets(b, url, devices)
		gateway := liveBytes() - bare
		done := make(chan error, devices)
		for range devices {
			c, err := New(Config{
				EdgeURL: url, Token: func(context.Context) (string, error) { return "", nil }, UserID: self, Device: "phone", HTTP: shared,
				Observe: func(e Event) {
					if e.Kind == Connected {
						up <- struct{}{}
					}
				},
			})
			require.NoError(b, err)
			go func() { done <- c.Run(ctx) }()
		}
		for range devices {
			<-up
		}
		shared.CloseIdleConnections()
		b.ReportMetric(float64(liveBytes()-bare-2*gateway)/devices, "B/device")
		b.ReportMetric(float64(gateway)/devices, "B/gateway-end")
		cancel()
		for range devices {
			<-done
		}
		for _, s := range sockets {
			s.Close()
		}
		stop()
	}
}

// pusher is the gateway's end of a socket that writes frames joined, as gateways do under load.
type pusher struct {
	conn net.Conn
	buf  []byte
}

func (p *pusher) write(b *testing.B, payload []byte) {
	p.buf = append(p.buf, 0x81, 126, byte(len(payload)>>8), byte(len(payload)))
	p.buf = append(p.buf, payload...)
	if len(p.buf) > 4<<10 {
		p.flush(b)
	}
}

func (p *pusher) flush(b *testing.B) {
	_, err := p.conn.Write(p.buf)
	require.NoError(b, err)
	p.buf = p.buf[:0]
}

// hijacker keeps hold of the connection beneath a WebSocket.
type hijacker struct {
	http.ResponseWriter
	conn net.Conn
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := h.ResponseWriter.(http.Hijacker).Hijack()
	h.conn = conn
	return conn, rw, err
}

// idleServer is an edge and a gateway on loopback that answers resume and then reads.
func idleServer(b *testing.B, connected func(*pusher)) (url string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/sessions", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusCreated, map[string]any{"gateway": l.Addr().String(), "ticket": "t", "server_time": time.Now(), "heartbeat_interval_ms": 30000})
	})
	mux.HandleFunc("GET /ws", func(w http.ResponseWriter, r *http.Request) {
		h := &hijacker{ResponseWriter: w}
		ws, err := websocket.Accept(h, r, nil)
		if err != nil {
			return
		}
		defer ws.CloseNow()
		for first := true; ; first = false {
			if _, _, err := ws.Read(context.Background()); err != nil {
				return
			}
			if first {
				ws.Write(context.Background(), websocket.MessageText, wire.Encode(wire.ServerFrame{Type: wire.TypeResumed}))
				connected(&pusher{conn: h.conn})
			}
		}
	})
	server := &http.Server{Handler: mux}
	go server.Serve(l)
	return "http://" + l.Addr().String(), func() { server.Close() }
}

// rawSockets opens WebSockets that cost their own side next to nothing.
func rawSockets(b *testing.B, url string, n int) (conns []net.Conn) {
	address := strings.TrimPrefix(url, "http://")
	for range n {
		c, err := net.Dial("tcp", address)
		require.NoError(b, err)
		_, err = fmt.Fprintf(c, "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
		require.NoError(b, err)
		var answer [512]byte
		_, err = c.Read(answer[:])
		require.NoError(b, err)
		conns = append(conns, c)
	}
	return conns
}

// liveBytes is what heap and stacks hold after a collection.
func liveBytes() int64 {
	for range 4 { // each halves the stacks that are hardly used
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
