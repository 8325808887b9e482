package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// world is a gateway behind a real HTTP server and a real gRPC server, and what stands for the other roles.
type world struct {
	t        testing.TB
	g        *Gateway
	registry *prometheus.Registry
	messages *messagePods
	presence *presencePods
	issuer   *token.Issuer
	listener listener
	worker   pb.GatewayClient // nil in a bubble
}

// listener is the network that devices come by.
type listener interface {
	net.Listener
	dial(ctx context.Context) (net.Conn, error)
}

type tcpListener struct{ net.Listener }

func (l tcpListener) dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
}

// pipeListener is a network in memory that buffers nothing: a write waits until the other side reads.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func newTCPListener(t testing.TB) listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return tcpListener{l}
}

// newWorld starts a gateway named gateway-1 on loopback.
func newWorld(t testing.TB, change func(*Config)) *world {
	w := newWorldOn(t, newTCPListener(t), change)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := transport.Network{}.Server()
	pb.RegisterGatewayServer(s, w.g)
	go s.Serve(l)
	conn, err := transport.Network{}.Client(l.Addr().String())
	require.NoError(t, err)
	w.worker = pb.NewGatewayClient(conn)
	t.Cleanup(s.Stop)
	t.Cleanup(func() { conn.Close() })
	return w
}

func newWorldOn(t testing.TB, l listener, change func(*Config)) *world {
	key, err := token.NewKey()
	require.NoError(t, err)
	keys, err := token.ParseKeys(key.JWKS())
	require.NoError(t, err)
	v := token.NewVerifier(keys, time.Now)
	w := &world{
		t: t, listener: l, issuer: token.NewIssuer(key, time.Now), registry: prometheus.NewRegistry(),
		messages: &messagePods{}, presence: &presencePods{},
	}
	sw, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	cfg := Config{
		Name: "gateway-1", Switches: sw, Metrics: w.registry, VerifyTicket: v.Ticket, VerifyUser: v.User,
		MessagesFor: func(chat.ID) pb.MessagesClient { return w.messages }, Presence: w.presence,
	}
	if change != nil {
		change(&cfg)
	}
	w.g, err = New(cfg)
	require.NoError(t, err)
	server := &http.Server{Handler: w.g, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(l) }()
	t.Cleanup(func() {
		w.g.Close()
		server.Close()
		<-done
	})
	return w
}

func (w *world) ticket(user chat.ID, device string, epoch int64) string {
	return w.sign(token.Ticket{User: user, Device: device, Gateway: "gateway-1", Epoch: epoch, Expires: time.Now().Add(time.Minute), UserExpires: time.Now().Add(time.Hour)})
}

func (w *world) sign(t token.Ticket) string {
	text, err := w.issuer.Ticket(t)
	require.NoError(w.t, err)
	return text
}

func (w *world) userToken(user chat.ID, good time.Duration) string {
	text, err := w.issuer.User(token.User{ID: user, Expires: time.Now().Add(good)})
	require.NoError(w.t, err)
	return text
}

// metric sums the samples of a metric.
func (w *world) metric(name string) (sum float64) {
	families, err := w.registry.Gather()
	require.NoError(w.t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetHistogram().GetSampleSum()
		}
	}
	return sum
}

// device is a client of coder/websocket.
type device struct {
	t        testing.TB
	ws       *websocket.Conn
	patience time.Duration // to wait for a frame
}

// connect opens a socket without saying anything.
func (w *world) connect(ticket string, header ...string) (*device, *http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	h := http.Header{}
	if ticket != "" {
		h.Set("Authorization", "Bearer "+ticket)
	}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return w.listener.dial(ctx) }
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	ws, res, err := websocket.Dial(ctx, "ws://gateway.example/ws", &websocket.DialOptions{HTTPClient: client, HTTPHeader: h})
	if err != nil {
		return nil, res, err
	}
	ws.SetReadLimit(4 << 20)
	d := &device{w.t, ws, 10 * time.Second}
	w.t.Cleanup(func() { ws.CloseNow() })
	return d, res, nil
}

func (w *world) open(ticket string) *device {
	d, _, err := w.connect(ticket)
	require.NoError(w.t, err)
	return d
}

// resume connects a device and takes it through resume.
func (w *world) resume(user chat.ID, device string, epoch int64) *device {
	d := w.open(w.ticket(user, device, epoch))
	d.say(wire.ClientFrame{Type: wire.TypeResume})
	require.Equal(w.t, wire.TypeResumed, d.hear().Type)
	return d
}

func (d *device) say(f wire.ClientFrame) { d.write(websocket.MessageText, wire.Encode(f)) }

func (d *device) write(typ websocket.MessageType, data []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(d.t, d.ws.Write(ctx, typ, data))
}

func (d *device) read() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d.patience)
	defer cancel()
	_, data, err := d.ws.Read(ctx)
	return data, err
}

func (d *device) hear() wire.ServerFrame {
	data, err := d.read()
	require.NoError(d.t, err)
	var f wire.ServerFrame
	require.NoError(d.t, json.Unmarshal(data, &f), "%s", data)
	return f
}

// closed reads until the end and returns the close code.
func (d *device) closed() chat.CloseCode {
	for {
		if _, err := d.read(); err != nil {
			require.NotEqual(d.t, websocket.StatusCode(-1), websocket.CloseStatus(err), "%v", err)
			return chat.CloseCode(websocket.CloseStatus(err))
		}
	}
}

// messagePods stand for the message service. Without a function a call succeeds with nothing.
type messagePods struct {
	pb.MessagesClient
	mu    sync.Mutex
	send  func(context.Context, *pb.SendRequest) (*pb.SendResponse, error)
	heads func(context.Context, *pb.HeadsRequest) (*pb.HeadsResponse, error)

	advance  func([]chat.Cursor) (*pb.AdvanceResponse, error)
	advances []advance
	typing   func(*pb.TypingRequest) error
	typed    []*pb.TypingRequest

	contacts func(users []chat.ID) []chat.ID // nil: nobody
	unknown  func(users []chat.ID) error     // why nobody can say who is a contact; nil: all can be said
	asked    []question
}

// question is one call for contacts.
type question struct {
	at    time.Time
	users []chat.ID
}

// advance is one call that moves cursors.
type advance struct {
	at      time.Time
	cursors []chat.Cursor
}

func (m *messagePods) Advance(_ context.Context, req *pb.AdvanceRequest, _ ...grpc.CallOption) (*pb.AdvanceResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := advance{at: time.Now()}
	for _, c := range req.Cursors {
		a.cursors = append(a.cursors, wire.CursorFromPB(c))
	}
	m.advances = append(m.advances, a)
	if m.advance != nil {
		return m.advance(a.cursors)
	}
	return &pb.AdvanceResponse{}, nil
}

func (m *messagePods) Typing(_ context.Context, req *pb.TypingRequest, _ ...grpc.CallOption) (*pb.TypingResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.typed = append(m.typed, req)
	if m.typing != nil {
		return nil, m.typing(req)
	}
	return &pb.TypingResponse{}, nil
}

func (m *messagePods) advanced() []advance {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.advances)
}

func (m *messagePods) questions() []question {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.asked)
}

func (m *messagePods) Contacts(_ context.Context, req *pb.ContactsRequest, _ ...grpc.CallOption) (*pb.ContactsResponse, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	users, err := wire.IDs(req.Users)
	m.asked = append(m.asked, question{time.Now(), slices.Clone(users)})
	if err == nil && m.unknown != nil {
		err = m.unknown(users)
	}
	if err != nil || m.contacts == nil {
		return &pb.ContactsResponse{}, err
	}
	return &pb.ContactsResponse{Users: wire.IDBytes(m.contacts(users)...)}, nil
}

func (m *messagePods) Send(ctx context.Context, req *pb.SendRequest, _ ...grpc.CallOption) (*pb.SendResponse, error) {
	m.mu.Lock()
	f := m.send
	m.mu.Unlock()
	if f == nil {
		id := chat.MessageID(wire.ID(req.SenderId), wire.ID(req.ClientMsgId))
		return &pb.SendResponse{MessageId: id[:]}, nil
	}
	return f(ctx, req)
}

func (m *messagePods) Heads(ctx context.Context, req *pb.HeadsRequest, _ ...grpc.CallOption) (*pb.HeadsResponse, error) {
	m.mu.Lock()
	f := m.heads
	m.mu.Unlock()
	if f == nil {
		return &pb.HeadsResponse{}, nil
	}
	return f(ctx, req)
}

// presencePods stand for the presence service and keep what they were told.
type presencePods struct {
	pb.PresencesClient
	mu     sync.Mutex
	calls  []presenceCall
	fail   error
	online []chat.ID
	newer  map[chat.ID]bool // users whose device has come back elsewhere
	hook   func(ctx context.Context, call presenceCall)
	refuse func(presenceCall) bool
}

func (p *presencePods) set(fail error, hook func(context.Context, presenceCall)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail, p.hook = fail, hook
}

type presenceCall struct {
	name    string
	at      time.Time
	devices []*pb.DevicePresence
}

func (p *presencePods) take(ctx context.Context, name string, devices ...*pb.DevicePresence) error {
	p.mu.Lock()
	c := presenceCall{name, time.Now(), devices}
	p.calls = append(p.calls, c)
	err, hook := p.fail, p.hook
	p.mu.Unlock()
	if hook != nil {
		hook(ctx, c)
	}
	if p.refuse != nil && p.refuse(c) {
		return errors.New("refused")
	}
	return err
}

func (p *presencePods) Announce(ctx context.Context, r *pb.AnnounceRequest, _ ...grpc.CallOption) (*pb.AnnounceResponse, error) {
	return &pb.AnnounceResponse{Replaced: len(p.replaced(r.Device)) > 0}, p.take(ctx, "announce", r.Device)
}

func (p *presencePods) Refresh(ctx context.Context, r *pb.RefreshRequest, _ ...grpc.CallOption) (*pb.RefreshResponse, error) {
	return &pb.RefreshResponse{Replaced: p.replaced(r.Devices...)}, p.take(ctx, "refresh", r.Devices...)
}

func (p *presencePods) replaced(devices ...*pb.DevicePresence) (indexes []int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, d := range devices {
		if p.newer[wire.ID(d.UserId)] {
			indexes = append(indexes, int32(i))
		}
	}
	return indexes
}

func (p *presencePods) Leave(ctx context.Context, r *pb.LeaveRequest, _ ...grpc.CallOption) (*pb.LeaveResponse, error) {
	return &pb.LeaveResponse{}, p.take(ctx, "leave", r.Device)
}

func (p *presencePods) Online(ctx context.Context, r *pb.OnlineRequest, _ ...grpc.CallOption) (*pb.OnlineResponse, error) {
	err := p.take(ctx, "online")
	p.mu.Lock()
	defer p.mu.Unlock()
	res := &pb.OnlineResponse{}
	for _, u := range p.online {
		for users := r.Users; len(users) >= 16; users = users[16:] {
			if chat.ID(users[:16]) == u {
				res.Devices = append(res.Devices, &pb.DevicePresence{UserId: u[:], Device: "phone"})
			}
		}
	}
	return res, err
}

// named returns the calls of one name so far.
func (p *presencePods) named(name string) (calls []presenceCall) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.calls {
		if c.name == name {
			calls = append(calls, c)
		}
	}
	return calls
}
