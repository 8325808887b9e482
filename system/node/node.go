package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/chatlab/chatlab/system/readiness"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/trace"
)

// Node is one running role.
type Node struct {
	cfg      Config
	registry *prometheus.Registry
	depends  readiness.Dependencies
	up       *prometheus.GaugeVec                            // which of them answered when they were asked last
	drain    func(ctx context.Context, window time.Duration) // lets sockets go; nil: there are none

	public, rpc, admin net.Listener
	rpcServer          *grpc.Server
	httpServers        []*http.Server
	serving            sync.WaitGroup

	background sync.WaitGroup
	stop       context.CancelFunc
	reloads    *reloads
	hangUp     func()   // ends the sockets that are left, before the servers stop
	closers    []func() // called last to first
}

// Addresses says where a node listens; an address that its role does not use is empty.
type Addresses struct {
	Role   string `json:"role"`
	Name   string `json:"name"`
	Public string `json:"public,omitempty"`
	RPC    string `json:"rpc,omitempty"`
	Admin  string `json:"admin"`
}

// Start builds a role and serves it. What the role talks to need not be there yet: /readyz tells when it is, except
// for stores, which are waited for until ctx ends.
func Start(ctx context.Context, cfg Config) (*Node, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, registry: newRegistry(), up: newUp()}
	n.registry.MustRegister(n.up)
	n.reloads = newReloads(n.registry)
	if err := n.proveCalls(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cfg.Name, err)
	}
	if err := n.trace(ctx); err != nil {
		return nil, fmt.Errorf("start %s: %w", cfg.Name, err)
	}
	if err := n.build(ctx); err != nil {
		n.Close(ctx)
		return nil, fmt.Errorf("start %s: %w", cfg.Name, err)
	}
	if err := n.serveAdmin(); err != nil {
		n.Close(ctx)
		return nil, fmt.Errorf("start %s: %w", cfg.Name, err)
	}
	n.keepLooking()
	return n, nil
}

// trace gives the role its tracer, if the config says where spans go.
func (n *Node) trace(ctx context.Context) (err error) {
	n.cfg.Trace.Role, n.cfg.Trace.Pod = n.cfg.Role, n.cfg.Name
	if n.cfg.Network.Tracer, err = trace.New(ctx, n.cfg.Trace); err != nil {
		return err
	}
	n.cfg.Logger = slog.New(trace.Logs(n.cfg.Logger.Handler()))
	n.onClose(func() {
		ctx, cancel := context.WithTimeout(context.Background(), resilience.Spans.Timeout())
		defer cancel()
		if err := n.cfg.Network.Tracer.Close(ctx); err != nil {
			n.cfg.Logger.Warn("export the last spans", "error", err)
		}
	})
	return nil
}

func (n *Node) build(ctx context.Context) error {
	switch n.cfg.Role {
	case Edge:
		return n.buildEdge()
	case Gateway:
		return n.buildGateway()
	case Message:
		return n.buildMessage(ctx)
	case Presence:
		return n.buildPresence()
	case Push:
		return n.buildPush(ctx)
	default:
		return n.buildFanout(ctx)
	}
}

// Addresses returns where the node listens.
func (n *Node) Addresses() Addresses {
	at := func(l net.Listener) string {
		if l == nil {
			return ""
		}
		return l.Addr().String()
	}
	return Addresses{n.cfg.Role, n.cfg.Name, at(n.public), at(n.rpc), at(n.admin)}
}

// Ready says whether the role can do its work now, and if not why.
func (n *Node) Ready(ctx context.Context) error { return n.report(ctx).Err() }

// Close drains and ends the node within ctx.
func (n *Node) Close(ctx context.Context) {
	if n.drain != nil {
		n.drain(ctx, n.cfg.Drain)
	}
	if n.hangUp != nil {
		n.hangUp()
	}
	if n.stop != nil {
		n.stop()
	}
	for _, s := range n.httpServers {
		if s.Shutdown(ctx) != nil {
			s.Close()
		}
	}
	if n.rpcServer != nil {
		stopServer(ctx, n.rpcServer)
	}
	n.background.Wait()
	for i := len(n.closers) - 1; i >= 0; i-- {
		n.closers[i]()
	}
	n.serving.Wait()
}

// stopServer lets calls that run end, but not for longer than a second: a stream of deliveries never ends by itself.
func stopServer(ctx context.Context, s *grpc.Server) {
	done := make(chan struct{})
	go func() { s.GracefulStop(); close(done) }()
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-done:
		return
	case <-t.C:
	case <-ctx.Done():
	}
	s.Stop()
	<-done
}

// run keeps a role's own loop alive until Close.
func (n *Node) run(loop func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	n.background.Go(func() {
		if err := loop(ctx); err != nil && ctx.Err() == nil {
			n.cfg.Logger.Error("role ended", "name", n.cfg.Name, "error", err)
		}
	})
}

func (n *Node) onClose(f func()) { n.closers = append(n.closers, f) }

func (n *Node) serveRPC(register func(*grpc.Server)) error {
	l, err := n.cfg.Network.Listen("tcp", n.cfg.RPCListen)
	if err != nil {
		return fmt.Errorf("listen for other roles, at --rpc-listen: %w", err)
	}
	n.rpc, n.rpcServer = l, n.cfg.Network.Server()
	register(n.rpcServer)
	n.serving.Go(func() { _ = n.rpcServer.Serve(l) })
	return nil
}

func (n *Node) servePublic(h http.Handler) error {
	l, err := n.cfg.Network.Listen("tcp", n.cfg.PublicListen)
	if err != nil {
		return fmt.Errorf("listen for devices, at --public-listen: %w", err)
	}
	n.public = l
	protected, err := n.protect(l)
	if err != nil {
		return err
	}
	n.serveHTTP(protected, h)
	return nil
}

func (n *Node) serveAdmin() error {
	l, err := n.cfg.Network.Listen("tcp", n.cfg.AdminListen)
	if err != nil {
		return fmt.Errorf("listen for probes and metrics, at --admin-listen: %w", err)
	}
	n.admin = l
	n.serveHTTP(l, n.adminHandler())
	return nil
}

// serveHTTP bounds what a stranger can hold open: headers must arrive in 5 s and fit into 32 KB, which 500 ids
// in a query need.
func (n *Node) serveHTTP(l net.Listener, h http.Handler) {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(n.cfg.Logger.Handler(), slog.LevelDebug), // of what strangers do wrong, such as handshakes
	}
	n.httpServers = append(n.httpServers, s)
	n.serving.Go(func() {
		if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			n.cfg.Logger.Error("serve http", "error", err)
		}
	})
}
