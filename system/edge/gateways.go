package edge

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const (
	pollEvery = time.Second
	// doubtEvery is the least time between two polls of a gateway of which devices say that it takes nobody.
	doubtEvery = 100 * time.Millisecond
)

// gateways assigns devices to the gateway with the fewest connections among those that answer and do not drain.
type gateways struct {
	every time.Duration
	mu    sync.Mutex
	list  []*gateway
	turn  int // where the search begins, so that equals take turns
}

// gateway is what is known of one. Its fields after the client are guarded by gateways.mu.
type gateway struct {
	Gateway
	conn   *grpc.ClientConn
	client pb.GatewayClient
	doubt  chan struct{} // a device was refused there: look again now

	takes       bool  // it answered the last poll, and neither drains nor sheds
	late        bool  // it took connections, and missed the last poll: hung, or as busy as everything else
	connections int64 // as it said
	assigned    int64 // since that poll began
}

func newGateways(cfg Config) (*gateways, error) {
	gs := &gateways{every: cfg.Poll}
	for _, g := range cfg.Gateways {
		conn, err := cfg.Network.Client(g.RPC)
		if err != nil {
			gs.close()
			return nil, fmt.Errorf("make client of gateway %s: %w", g.Name, err)
		}
		gs.list = append(gs.list, &gateway{Gateway: g, conn: conn, client: pb.NewGatewayClient(conn), doubt: make(chan struct{}, 1)})
	}
	return gs, nil
}

func (gs *gateways) close() {
	if gs == nil {
		return
	}
	for _, g := range gs.list {
		g.conn.Close()
	}
}

// watch polls every gateway by itself, so that one that hangs delays no other.
func (gs *gateways) watch(ctx context.Context, wg *sync.WaitGroup) {
	for _, g := range gs.list {
		wg.Go(func() { gs.watchOne(ctx, g) })
	}
}

func (gs *gateways) watchOne(ctx context.Context, g *gateway) {
	t := time.NewTicker(gs.every)
	defer t.Stop()
	quiet := time.NewTimer(0)
	defer quiet.Stop()
	for {
		gs.poll(ctx, g)
		quiet.Reset(min(doubtEvery, gs.every))
		select { // no device's word makes the edge poll more often
		case <-ctx.Done():
			return
		case <-quiet.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-g.doubt:
		}
	}
}

func (gs *gateways) poll(ctx context.Context, g *gateway) {
	ctx, cancel := context.WithTimeout(ctx, resilience.EdgePoll.Timeout())
	defer cancel()
	gs.mu.Lock()
	before := g.assigned
	gs.mu.Unlock()
	s, err := g.client.Status(ctx, &pb.StatusRequest{})
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g.late = g.takes && status.Code(err) == codes.DeadlineExceeded
	if g.takes = err == nil && !s.Draining && !s.Shedding; g.takes {
		g.connections = s.Connections
		g.assigned -= before // these are connected by now, or do not come
	}
}

// assign chooses a gateway and counts the device that will come. One that the device wants to avoid, because it was let
// go or not taken there, is chosen only if there is no other, and is looked at again: it drains, perhaps.
func (gs *gateways) assign(avoid string) (Gateway, error) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	var best, avoided, late *gateway
	for i := range gs.list {
		g := gs.list[(gs.turn+i)%len(gs.list)]
		switch {
		case g.late:
			late = g
		case !g.takes:
		case avoid != "" && g.Public == avoid:
			avoided = g
		case best == nil || g.load() < best.load():
			best = g
		}
	}
	if avoided != nil {
		signal(avoided.doubt)
	}
	if best == nil {
		best = avoided
	}
	if best == nil { // a storm makes the last gateway answer late: to refuse everybody would only feed the storm
		best = late
	}
	if best == nil {
		return Gateway{}, chat.Errorf(chat.CodeUnavailable, "no gateway takes connections now").After(pollEvery)
	}
	gs.turn++
	best.assigned++
	return best.Gateway, nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (g *gateway) load() int64 { return g.connections + g.assigned }

// ready says why no gateway could be assigned.
func (gs *gateways) ready() error {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	for _, g := range gs.list {
		if g.takes || g.late {
			return nil
		}
	}
	return fmt.Errorf("none of %d gateways takes connections", len(gs.list))
}

// nameOf knows a gateway by its name or by the address that devices are told.
func (gs *gateways) nameOf(s string) (string, bool) {
	for _, g := range gs.list {
		if s != "" && (s == g.Name || s == g.Public) {
			return g.Name, true
		}
	}
	return "", false
}
