package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// world is an edge served over HTTP, with roles behind it that do what a test says.
type world struct {
	network  transport.Network
	messages []*fakePod
	presence []*fakePod
	gateways []*fakePod
	edge     *Edge
	url      string
	client   *http.Client
	users    *token.Issuer
	tickets  *token.Verifier
	alice    token.User
	bearer   string
}

// fakePod serves all three roles: answer does what a call asks for.
type fakePod struct {
	pb.UnimplementedMessagesServer
	pb.UnimplementedPresencesServer
	pb.UnimplementedGatewayServer
	address string
	server  *grpc.Server
	end     chan struct{} // closed when the test ends

	mu     sync.Mutex
	answer func(ctx context.Context, req any) (any, error)
	calls  []any
}

func (p *fakePod) will(answer func(ctx context.Context, req any) (any, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *fakePod) took() []any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]any{}, p.calls...)
}

// last returns the newest call but those of polls.
func (p *fakePod) last() any {
	calls := p.took()
	for i := len(calls) - 1; i >= 0; i-- {
		if _, poll := calls[i].(*pb.StatusRequest); !poll {
			return calls[i]
		}
	}
	return nil
}

func does[T any](ctx context.Context, p *fakePod, req any) (*T, error) {
	p.mu.Lock()
	p.calls = append(p.calls, req)
	answer := p.answer
	p.mu.Unlock()
	res, err := answer(ctx, req)
	if err != nil {
		return nil, err
	}
	if t, ok := res.(*T); ok {
		return t, nil
	}
	return new(T), nil
}

func (p *fakePod) Send(ctx context.Context, r *pb.SendRequest) (*pb.SendResponse, error) {
	return does[pb.SendResponse](ctx, p, r)
}
func (p *fakePod) History(ctx context.Context, r *pb.HistoryRequest) (*pb.HistoryResponse, error) {
	return does[pb.HistoryResponse](ctx, p, r)
}
func (p *fakePod) CreateConversation(ctx context.Context, r *pb.CreateConversationRequest) (*pb.Conversation, error) {
	return does[pb.Conversation](ctx, p, r)
}
func (p *fakePod) ChangeMembers(ctx context.Context, r *pb.ChangeMembersRequest) (*pb.ChangeMembersResponse, error) {
	return does[pb.ChangeMembersResponse](ctx, p, r)
}
func (p *fakePod) ListConversations(ctx context.Context, r *pb.ListConversationsRequest) (*pb.ListConversationsResponse, error) {
	return does[pb.ListConversationsResponse](ctx, p, r)
}
func (p *fakePod) PutDevice(ctx context.Context, r *pb.PutDeviceRequest) (*pb.PutDeviceResponse, error) {
	return does[pb.PutDeviceResponse](ctx, p, r)
}
func (p *fakePod) DeleteDevice(ctx context.Context, r *pb.DeleteDeviceRequest) (*pb.DeleteDeviceResponse, error) {
	return does[pb.DeleteDeviceResponse](ctx, p, r)
}

// Contacts knows everybody, unless it is told otherwise.
func (p *fakePod) Contacts(ctx context.Context, r *pb.ContactsRequest) (*pb.ContactsResponse, error) {
	res, err := does[pb.ContactsResponse](ctx, p, r)
	if err == nil && res.Users == nil {
		res.Users = r.Users
	}
	return res, err
}

func (p *fakePod) Advance(ctx context.Context, r *pb.AdvanceRequest) (*pb.AdvanceResponse, error) {
	return does[pb.AdvanceResponse](ctx, p, r)
}
func (p *fakePod) Receipts(ctx context.Context, r *pb.ReceiptsRequest) (*pb.ReceiptsResponse, error) {
	return does[pb.ReceiptsResponse](ctx, p, r)
}
func (p *fakePod) Announce(ctx context.Context, r *pb.AnnounceRequest) (*pb.AnnounceResponse, error) {
	return does[pb.AnnounceResponse](ctx, p, r)
}
func (p *fakePod) Online(ctx context.Context, r *pb.OnlineRequest) (*pb.OnlineResponse, error) {
	return does[pb.OnlineResponse](ctx, p, r)
}
func (p *fakePod) Status(ctx context.Context, r *pb.StatusRequest) (*pb.StatusResponse, error) {
	return does[pb.StatusResponse](ctx, p, r)
}

func nothing(context.Context, any) (any, error) { return nil, nil }

func refuses(err error) func(context.Context, any) (any, error) {
	return func(context.Context, any) (any, error) { return nil, err }
}

func gives(answer any) func(context.Context, any) (any, error) {
	return func(context.Context, any) (any, error) { return answer, nil }
}

// hang answers nothing, not even that time is up.
func (p *fakePod) hang() {
	p.will(func(context.Context, any) (any, error) { <-p.end; return nil, nil })
}

func startPod(t testing.TB, n transport.Network, address string) *fakePod {
	p := &fakePod{answer: nothing, server: transport.Network{}.Server(), end: make(chan struct{})}
	l, err := n.Listen("tcp", address)
	require.NoError(t, err)
	p.address = l.Addr().String()
	pb.RegisterMessagesServer(p.server, p)
	pb.RegisterPresencesServer(p.server, p)
	pb.RegisterGatewayServer(p.server, p)
	done := make(chan error, 1)
	go func() { done <- p.server.Serve(l) }()
	t.Cleanup(func() { close(p.end); p.server.Stop(); <-done })
	return p
}

// size is how many pods of each role there are.
type size struct{ messages, presence, gateways int }

// newWorld starts everything on the network; the zero network is loopback.
func newWorld(t testing.TB, n transport.Network, s size, change func(*Config)) *world {
	w := &world{network: n}
	next := 0
	start := func(count int) (ps []*fakePod) {
		for range count {
			next++
			address := "127.0.0.1:0"
			if n.ListenFunc != nil {
				address = fmt.Sprintf("pod-%d:1", next)
			}
			ps = append(ps, startPod(t, n, address))
		}
		return ps
	}
	w.messages, w.presence, w.gateways = start(s.messages), start(s.presence), start(s.gateways)
	cfg := w.config(t)
	if change != nil {
		change(&cfg)
	}
	w.serve(t, cfg)
	return w
}

func (w *world) config(t testing.TB) Config {
	user, err := token.NewKey()
	require.NoError(t, err)
	ticket, err := token.NewKey()
	require.NoError(t, err)
	w.users = token.NewIssuer(user, time.Now)
	w.tickets = verifier(t, ticket)
	w.alice = token.User{ID: chat.NewID(), Expires: time.Now().Add(time.Hour).Truncate(time.Second)}
	w.bearer, err = w.users.User(w.alice)
	require.NoError(t, err)
	cfg := Config{Network: w.network, Users: verifier(t, user), Tickets: token.NewIssuer(ticket, time.Now)}
	for _, p := range w.messages {
		cfg.Messages = append(cfg.Messages, p.address)
	}
	for _, p := range w.presence {
		cfg.Presence = append(cfg.Presence, p.address)
	}
	for i, p := range w.gateways {
		cfg.Gateways = append(cfg.Gateways, Gateway{Name: fmt.Sprint("gateway-", i+1), RPC: p.address, Public: fmt.Sprintf("public-%d:443", i+1)})
	}
	return cfg
}

func verifier(t testing.TB, k token.Key) *token.Verifier {
	keys, err := token.ParseKeys(k.JWKS())
	require.NoError(t, err)
	return token.NewVerifier(keys, time.Now)
}

func (w *world) serve(t testing.TB, cfg Config) {
	var err error
	w.edge, err = New(cfg)
	require.NoError(t, err)
	address := "127.0.0.1:0"
	if w.network.ListenFunc != nil {
		address = "edge:1"
	}
	l, err := w.network.Listen("tcp", address)
	require.NoError(t, err)
	server := &http.Server{Handler: w.edge}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	w.url = "http://" + l.Addr().String()
	w.client = &http.Client{
		Transport:     &http.Transport{DialContext: w.network.Dial},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		server.Close()
		<-done
		w.edge.Close()
	})
}

// ready waits until the edge has heard of every gateway.
func (w *world) ready(t testing.TB) *world {
	require.Eventually(t, func() bool {
		for _, g := range w.gateways {
			if len(g.took()) == 0 {
				return false
			}
		}
		return len(w.gateways) == 0 || w.edge.gateways.ready() == nil
	}, 5*time.Second, 5*time.Millisecond)
	return w
}

// answer is what came back over HTTP.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) code(t testing.TB) chat.Code {
	t.Helper()
	if a.status < 300 {
		return ""
	}
	return checkProblem(t, a).Code
}

// checkProblem reads a problem document and checks all that must be so in any.
func checkProblem(t testing.TB, a answer) (p problem) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&p), "%d %s", a.status, a.body)
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	require.Equal(t, a.status, p.Status)
	require.Equal(t, p.Code.Status(), p.Status)
	require.Contains(t, allCodes(), p.Code)
	require.NotEmpty(t, p.Detail)
	require.NotEmpty(t, p.Title)
	require.Equal(t, "urn:chatlab:problem:"+string(p.Code), p.Type)
	require.Equal(t, p.RetryAfterMS > 0, a.header.Get("Retry-After") != "", "%+v", p)
	if p.RetryAfterMS > 0 {
		require.Equal(t, fmt.Sprint((p.RetryAfterMS+999)/1000), a.header.Get("Retry-After"))
	}
	require.Equal(t, p.Status == 401, a.header.Get("WWW-Authenticate") != "")
	return p
}

func allCodes() (out []chat.Code) {
	for _, c := range chat.Codes() {
		out = append(out, c.Code)
	}
	return out
}

// ask makes a request as alice; header pairs change or, with an empty value, remove what it would send.
func (w *world) ask(t testing.TB, method, path, body string, header ...string) answer {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, reader)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+w.bearer)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Del(header[i])
		if header[i+1] != "" {
			req.Header.Set(header[i], header[i+1])
		}
	}
	res, err := w.client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{res.StatusCode, res.Header, data}
}

// memory is a network of pipes, for bubbles.
func memory() transport.Network {
	var mu sync.Mutex
	listeners := map[string]*memoryListener{}
	return transport.Network{
		ListenFunc: func(_, address string) (net.Listener, error) {
			mu.Lock()
			defer mu.Unlock()
			l := &memoryListener{address: address, dialed: make(chan net.Conn), closed: make(chan struct{})}
			listeners[address] = l
			return l, nil
		},
		DialFunc: func(ctx context.Context, _, address string) (net.Conn, error) {
			mu.Lock()
			l := listeners[address]
			mu.Unlock()
			here, there := net.Pipe()
			select {
			case l.dialed <- there:
				return here, nil
			case <-l.closed:
				return nil, fmt.Errorf("dial %s: refused", address)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	}
}

type memoryListener struct {
	address string
	dialed  chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.dialed:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *memoryListener) Addr() net.Addr { return memoryAddr(l.address) }

type memoryAddr string

func (memoryAddr) Network() string  { return "memory" }
func (a memoryAddr) String() string { return string(a) }
