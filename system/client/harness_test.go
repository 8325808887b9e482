package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// fake is an edge and a gateway on an in-memory network whose behaviour a test scripts.
type fake struct {
	t        *testing.T
	listener *memory
	server   *http.Server
	client   *Client

	gateway func(p *peer)                           // the n-th connection, p.n from 1
	history func(after string) (int, any)           // status and body; nil: what is in store
	session func(n int, r *http.Request) (int, any) // nil: a session
	upgrade func(n int) (int, any)                  // refuses the n-th WebSocket; nil: none
	inbox   func() (int, any)                       // nil: there is none
	skew    time.Duration                           // of the server's clock
	heart   time.Duration                           // heartbeat interval

	mu       sync.Mutex
	sessions int
	conns    int
	tokens   []string
	avoided  []string // the gateway that each session is not to be at
	presence int
	store    []chat.Message
	rooms    map[chat.ID][]chat.Message // instead of store, by conversation
	asked    []asked                    // history reads of rooms
	reads    []string                   // "after" of each history read
	events   []Event
}

var (
	conv  = chat.ID{0: 0xc0, 15: 1}
	self  = chat.ID{0: 0x5e, 15: 1}
	other = chat.ID{0: 0x07, 15: 1}
)

// stamp is a TIMEUUID that grows with n.
func stamp(n int64) (id chat.ID) {
	id[0], id[1], id[2], id[3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	id[6], id[8] = 0x10, 0x80
	return id
}

func msg(seq int64) chat.Message {
	return chat.Message{
		ID: chat.ID{0: 0x3e, 14: byte(seq >> 8), 15: byte(seq)}, ConversationID: conv, SenderID: other, Type: chat.TypeText,
		Content: fmt.Sprintf("m%d", seq), CreatedAt: time.Unix(1000, 0).UTC(), Place: chat.Place{Seq: seq, Timestamp: stamp(seq)},
	}
}

func msgs(from, to int64) (out []chat.Message) {
	for seq := from; seq <= to; seq++ {
		out = append(out, msg(seq))
	}
	return out
}

// newFake starts the edge and the gateway; it must be called in a bubble.
func newFake(t *testing.T) *fake {
	f := &fake{t: t, listener: newMemory(), heart: 30 * time.Second, gateway: func(p *peer) { p.resumed(); p.beats() }}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/sessions", f.openSession)
	mux.HandleFunc("GET /ws", f.socket)
	mux.HandleFunc("GET /api/v1/conversations/{id}/messages", f.messages)
	mux.HandleFunc("PUT /api/v1/presence", f.putPresence)
	mux.HandleFunc("GET /api/v1/inbox", func(w http.ResponseWriter, _ *http.Request) {
		status, body := f.inbox()
		answer(w, status, body)
	})
	f.server = &http.Server{Handler: mux}
	go f.server.Serve(f.listener)
	return f
}

// device makes the client under test.
func (f *fake) device(change func(*Config)) *Client {
	cfg := Config{
		EdgeURL: "http://edge:80", Token: func(context.Context) (string, error) { return "user-token", nil },
		UserID: self, Device: "phone", Network: transport.Network{DialFunc: f.listener.dial},
		Rand: rand.New(rand.NewPCG(1, 2)), Observe: f.observe,
	}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	require.NoError(f.t, err)
	f.client = c
	return c
}

func (f *fake) observe(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
}

// run runs the device while the test does something, then ends both. It returns what Run returned.
func (f *fake) run(do func(ctx context.Context)) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- f.client.Run(ctx) }()
	do(ctx)
	cancel()
	err := <-result
	f.server.Close()
	f.listener.Close()
	return err
}

// told renders the events so far, without Raw and ErrorFrame unless asked for.
func (f *fake) told(also ...Kind) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, e := range f.events {
		hidden := e.Kind == Raw || e.Kind == ErrorFrame
		for _, k := range also {
			hidden = hidden && e.Kind != k
		}
		if !hidden {
			out = append(out, brief(e))
		}
	}
	return strings.Join(out, ", ")
}

func brief(e Event) string {
	s := e.Kind.String()
	switch e.Kind {
	case Raw, Shown, GapFilled, Resync:
		s += fmt.Sprintf(" %d", e.Seq)
	case Gap, Skipped:
		s += " " + e.Text
	case Attempt, Acked, Unknown, Connecting:
		s += fmt.Sprintf(" #%d", e.Attempt)
	case Refused, ErrorFrame:
		s += " " + string(e.Code)
	case Disconnected:
		s += fmt.Sprintf(" %d", e.Close)
	}
	return s
}

func (f *fake) openSession(w http.ResponseWriter, r *http.Request) {
	var in struct{ Avoid string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		f.t.Errorf("read session request: %v", err)
	}
	f.mu.Lock()
	f.avoided = append(f.avoided, in.Avoid)
	f.sessions++
	n := f.sessions
	f.tokens = append(f.tokens, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	f.mu.Unlock()
	if f.session != nil {
		if status, body := f.session(n, r); status != 0 {
			answer(w, status, body)
			return
		}
	}
	answer(w, http.StatusCreated, map[string]any{
		"gateway": "gateway:1", "ticket": fmt.Sprintf("ticket-%d", n), "server_time": time.Now().Add(f.skew),
		"heartbeat_interval_ms": f.heart.Milliseconds(), "epoch": n,
	})
}

func (f *fake) putPresence(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.presence++
	w.WriteHeader(http.StatusNoContent)
}

func (f *fake) messages(w http.ResponseWriter, r *http.Request) {
	after := r.URL.Query().Get("after")
	f.mu.Lock()
	f.reads = append(f.reads, after)
	f.mu.Unlock()
	if f.history != nil {
		if status, body := f.history(after); status != 0 {
			answer(w, status, body)
			return
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rooms != nil {
		room := mustID(r.PathValue("id"))
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		f.asked = append(f.asked, asked{room, limit, time.Now()})
		answer(w, http.StatusOK, pageAfter(f.rooms[room], after, limit))
		return
	}
	answer(w, http.StatusOK, pageAfter(f.store, after, 3))
}

// pageAfter is the answer of a history that holds these messages.
func pageAfter(store []chat.Message, after string, limit int) any {
	frames := []wire.ServerFrame{}
	for _, m := range store {
		if after != "0" && !later(m.Place.Timestamp, mustID(after)) {
			continue
		}
		if len(frames) == limit {
			return map[string]any{"messages": frames, "more": true}
		}
		frame := wire.MessageFrame(m)
		frame.Type = ""
		frames = append(frames, frame)
	}
	return map[string]any{"messages": frames, "more": false}
}

func (f *fake) put(ms ...chat.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.store = append(f.store, ms...)
}

func mustID(s string) chat.ID {
	id, err := chat.ParseID(s)
	if err != nil {
		panic(err)
	}
	return id
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if body == nil {
		return
	}
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(err)
	}
}

func problem(code chat.Code, after time.Duration) (int, any) {
	return code.Status(), map[string]any{"code": code, "detail": "because", "retry_after_ms": after.Milliseconds()}
}

func (f *fake) socket(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.conns++
	p := &peer{fake: f, n: f.conns, ticket: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")}
	f.mu.Unlock()
	if f.upgrade != nil {
		if status, body := f.upgrade(p.n); status != 0 {
			answer(w, status, body)
			return
		}
	}
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		f.t.Errorf("accept: %v", err)
		return
	}
	defer ws.CloseNow()
	ws.SetReadLimit(chat.MaxFrameBytes)
	p.ws = ws
	f.gateway(p)
}

// peer is the gateway's end of one connection.
type peer struct {
	*fake
	n      int
	ticket string
	ws     *websocket.Conn
}

// expect reads until a frame of this type comes; false if the connection ended first.
func (p *peer) expect(frameType string) (wire.ClientFrame, bool) {
	for {
		_, data, err := p.ws.Read(context.Background())
		if err != nil {
			return wire.ClientFrame{}, false
		}
		frame, err := wire.DecodeClient(data)
		if err != nil {
			p.t.Errorf("frame from the device: %v", err)
			return frame, false
		}
		if frame.Type == frameType {
			return frame, true
		}
	}
}

// hold reads until the connection ends.
func (p *peer) hold() { p.expect("nothing") }

// beats answers heartbeats until the connection ends.
func (p *peer) beats() {
	for {
		if _, ok := p.expect(wire.TypeHeartbeat); !ok {
			return
		}
		p.ws.Write(context.Background(), websocket.MessageText, wire.Encode(wire.ServerFrame{Type: wire.TypeHeartbeat}))
	}
}

// send writes frames and lets the device do what it does with each.
func (p *peer) send(frames ...wire.ServerFrame) {
	for _, f := range frames {
		p.ws.Write(context.Background(), websocket.MessageText, wire.Encode(f))
		synctest.Wait()
	}
}

func (p *peer) live(seqs ...int64) {
	for _, seq := range seqs {
		p.send(wire.MessageFrame(msg(seq)))
	}
}

func (p *peer) resumed(newer ...int64) (resume wire.ClientFrame) {
	resume, _ = p.expect(wire.TypeResume)
	p.send(wire.ServerFrame{Type: wire.TypeResumed, Newer: places(newer...)})
	return resume
}

func places(seqs ...int64) (ps []chat.Position) {
	for _, seq := range seqs {
		ps = append(ps, chat.Position{ConversationID: conv, Seq: seq, Timestamp: stamp(seq)})
	}
	return ps
}

func (p *peer) close(code chat.CloseCode) { p.ws.Close(websocket.StatusCode(code), "test") }

// memory is a listener whose connections are pipes.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newMemory() *memory { return &memory{conns: make(chan net.Conn), closed: make(chan struct{})} }

var errClosed = errors.New("listener is closed")

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	a, b := net.Pipe()
	select {
	case m.conns <- b:
		return a, nil
	case <-m.closed:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, errClosed
	}
}

func (m *memory) Close() error   { m.once.Do(func() { close(m.closed) }); return nil }
func (m *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
