package fanout

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/sim/network"
	simredis "github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/gateway"
	"github.com/chatlab/chatlab/system/presence"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// town is presence with its store, two gateways, what a worker knows of them, and devices whose only signs of life are answers to pings.
type town struct {
	t        *testing.T
	lan      *network.Network
	store    *simredis.Server
	client   *redis.Client
	service  *presence.Service
	routes   *routes
	pods     []*pod
	devices  []*phone
	bounds   gateway.Freshness
	epoch    int64
	answers  bool      // the store does
	returned time.Time // since when
}

const (
	townGateways = 2
	townUsers    = 3
	userDevices  = 2
)

func newTown(t *testing.T) *town {
	w := &town{t: t, lan: network.New(network.Config{}), answers: true, returned: time.Now().Add(-time.Hour)}
	var err error
	w.store, err = simredis.New(simredis.Config{Listen: w.lan.Host("redis").Listen})
	require.NoError(t, err)
	w.client = redis.NewClient(redis.Config{Address: w.store.Addr(), Network: transport.Network{DialFunc: w.lan.Host("presence").DialContext}})
	store := redis.NewPresence(w.client, 0)
	w.service, err = presence.New(presence.Config{Store: store})
	require.NoError(t, err)
	w.routes = newRoutes(Config{Presence: store, Switches: chat.Switches{Breaker: true}, Logger: slog.New(slog.DiscardHandler)}, nil, newMetrics(prometheus.NewRegistry()))
	for i := range townGateways {
		w.pods = append(w.pods, &pod{town: w, name: fmt.Sprintf("gateway-%d", i)})
		w.pods[i].start()
	}
	for i := range townUsers * userDevices {
		w.devices = append(w.devices, &phone{town: w, user: chat.ID{byte(1 + i/userDevices)}, name: fmt.Sprintf("phone-%d", i), changed: time.Now()})
	}
	w.bounds = w.pods[0].config().Freshness()
	return w
}

func (w *town) close() {
	for _, d := range w.devices {
		d.drop()
	}
	w.lan.HealAll()
	for _, p := range w.pods {
		p.crash()
	}
	w.routes.close()
	require.NoError(w.t, w.client.Close())
	require.NoError(w.t, w.store.Close())
}

// pod is a gateway.
type pod struct {
	*town
	name   string
	g      *gateway.Gateway
	server *http.Server
	dead   *atomic.Bool
	served sync.WaitGroup
}

func (p *pod) config() gateway.Config {
	return gateway.Config{
		Name: p.name, Switches: chat.Switches{HeartbeatBy: "gateway"}, Limits: gateway.Limits{Idle: 24 * time.Hour},
		VerifyTicket: readTicket, VerifyUser: func(string) (token.User, error) { return token.User{}, io.EOF },
		MessagesFor: func(chat.ID) pb.MessagesClient { return friends{} }, Presence: calls{p.service, p.dead},
	}
}

func (p *pod) start() {
	p.dead = &atomic.Bool{}
	var err error
	p.g, err = gateway.New(p.config())
	require.NoError(p.t, err)
	l, err := p.lan.Host(p.name).Listen("tcp", ":80")
	require.NoError(p.t, err)
	p.server = &http.Server{Handler: p.g, ReadHeaderTimeout: time.Second}
	p.served.Go(func() { _ = p.server.Serve(l) })
}

// crash ends the gateway with all that it knew: no call of it comes through any more.
func (p *pod) crash() {
	if p.g == nil {
		return
	}
	p.dead.Store(true)
	p.lan.Crash(p.name)
	_ = p.server.Close()
	p.g.Close()
	p.served.Wait()
	p.g = nil
}

func (p *pod) restart() {
	if p.g == nil {
		p.lan.Restart(p.name)
		p.start()
	}
}

// calls are a gateway's to presence.
type calls struct {
	s    *presence.Service
	dead *atomic.Bool
}

func through[A, B any](c calls, ctx context.Context, call func(context.Context, A) (B, error), in A) (out B, err error) {
	if c.dead.Load() {
		return out, chat.Errorf(chat.CodeUnavailable, "the gateway is dead")
	}
	return call(ctx, in)
}

func (c calls) Announce(ctx context.Context, in *pb.AnnounceRequest, _ ...grpc.CallOption) (*pb.AnnounceResponse, error) {
	return through(c, ctx, c.s.Announce, in)
}

func (c calls) Refresh(ctx context.Context, in *pb.RefreshRequest, _ ...grpc.CallOption) (*pb.RefreshResponse, error) {
	return through(c, ctx, c.s.Refresh, in)
}

func (c calls) Leave(ctx context.Context, in *pb.LeaveRequest, _ ...grpc.CallOption) (*pb.LeaveResponse, error) {
	return through(c, ctx, c.s.Leave, in)
}

func (c calls) Online(ctx context.Context, in *pb.OnlineRequest, _ ...grpc.CallOption) (*pb.OnlineResponse, error) {
	return through(c, ctx, c.s.Online, in)
}

// friends is a message service to which all are contacts.
type friends struct{ pb.MessagesClient }

func (friends) Heads(context.Context, *pb.HeadsRequest, ...grpc.CallOption) (*pb.HeadsResponse, error) {
	return &pb.HeadsResponse{}, nil
}

func (friends) Contacts(_ context.Context, in *pb.ContactsRequest, _ ...grpc.CallOption) (*pb.ContactsResponse, error) {
	return &pb.ContactsResponse{Users: in.Users}, nil
}

// readTicket trusts everybody: "gateway user device epoch".
func readTicket(text string) (t token.Ticket, err error) {
	f := strings.Split(text, "/")
	t.Gateway, t.Device = f[0], f[2]
	if t.User, err = chat.ParseID(f[1]); err != nil {
		return t, err
	}
	t.Epoch, err = strconv.ParseInt(f[3], 10, 64)
	t.Expires, t.UserExpires = time.Now().Add(time.Minute), time.Now().Add(24*time.Hour)
	return t, err
}

// phone is one device of a user.
type phone struct {
	*town
	user    chat.ID
	name    string
	changed time.Time // since when it is as it is: at a gateway, or at none
	at      *pod      // nil: at none
	arrived time.Time // when it came there
	line    *line

	watching time.Time // since when it watches everybody; zero: it does not
}

// line is a connection of a phone.
type line struct {
	ws     *websocket.Conn
	opened chan struct{}
	mu     sync.Mutex
	told   map[chat.ID]bool
	ended  bool
}

// connect opens a connection. One that is there already ends after it, as that of a phone which has changed networks.
func (d *phone) connect(p *pod) {
	if p.g == nil {
		return
	}
	d.lan.HealAll() // of this phone; others that vanished have no connection any more
	before := d.line
	d.epoch++
	host := d.lan.Host(d.name)
	c := &http.Client{Transport: &http.Transport{DialContext: host.DialContext, DisableKeepAlives: true}}
	ticket := fmt.Sprintf("%s/%s/%s/%d", p.name, d.user, d.name, d.epoch)
	ws, _, err := websocket.Dial(context.Background(), "ws://"+p.name+":80/ws", &websocket.DialOptions{
		HTTPClient: c, HTTPHeader: http.Header{"Authorization": {"Bearer " + ticket}},
	})
	require.NoError(d.t, err)
	d.line = &line{ws: ws, opened: make(chan struct{}), told: map[chat.ID]bool{}}
	go d.line.read()
	d.line.say(wire.ClientFrame{Type: wire.TypeResume})
	<-d.line.opened
	if d.at == nil || before == nil {
		d.changed = time.Now()
	}
	d.at, d.arrived, d.watching = p, time.Now(), time.Time{}
	if before != nil {
		_ = before.ws.CloseNow()
	}
}

func (l *line) say(f wire.ClientFrame) {
	_ = l.ws.Write(context.Background(), websocket.MessageText, wire.Encode(f))
}

func (l *line) read() {
	for {
		_, data, err := l.ws.Read(context.Background())
		if err != nil {
			l.mu.Lock()
			l.ended = true
			l.mu.Unlock()
			return
		}
		var f wire.ServerFrame
		_ = json.Unmarshal(data, &f)
		if f.Type == wire.TypeResumed {
			close(l.opened)
		}
		l.mu.Lock()
		for _, p := range f.Presence {
			l.told[p.UserID] = p.Online
		}
		l.mu.Unlock()
	}
}

// sees is what the phone was told last of a user.
func (l *line) sees(user chat.ID) (online, told bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	online, told = l.told[user]
	return online, told
}

func (l *line) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

func (d *phone) subscribe() {
	if d.at == nil {
		return
	}
	var users []chat.ID
	for i := range townUsers {
		users = append(users, chat.ID{byte(1 + i)})
	}
	d.line.say(wire.ClientFrame{Type: wire.TypeSubscribe, Users: users})
	d.watching = time.Now()
}

func (d *phone) disconnect() {
	if d.at != nil {
		_ = d.line.ws.Close(websocket.StatusNormalClosure, "")
	}
	d.drop()
}

// vanish takes the phone off the network in the middle of everything: nobody is told.
func (d *phone) vanish() {
	if d.at != nil {
		for _, p := range d.pods {
			d.lan.Partition(d.name, p.name)
		}
		d.lan.Crash(d.name)
		d.lan.Restart(d.name)
	}
	d.drop()
}

// drop notes that the phone has no connection any more.
func (d *phone) drop() {
	if d.at == nil {
		return
	}
	_ = d.line.ws.CloseNow()
	d.at, d.line, d.changed, d.watching = nil, nil, time.Now(), time.Time{}
}

// routed are the gateways at which a worker believes a user to be.
func routed(by map[string][]byte, user chat.ID) (at []string) {
	for g, users := range by {
		ids, _ := wire.IDs(users)
		if slices.Contains(ids, user) {
			at = append(at, g)
		}
	}
	return at
}
