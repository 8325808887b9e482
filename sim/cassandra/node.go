package cassandra

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/chatlab/chatlab/chaos/port"
	"github.com/chatlab/chatlab/sim/cassandra/ring"
)

// maxConns bounds the connections of a node.
const maxConns = 4096

// node listens, and coordinates what its clients ask for.
type node struct {
	Node
	cluster  *Cluster
	hostID   uuid.UUID
	member   *ring.Member
	prepared *prepared
	lastTime atomic.Int64

	lifecycle sync.Mutex // held while starting and stopping
	mu        sync.Mutex // for what follows
	listener  net.Listener
	conns     map[*conn]struct{}
	stopping  chan struct{}
	tasks     sync.WaitGroup
	frost     port.Frost
	missed    *time.Timer // under lifecycle: of a frozen node
}

func newNode(c *Cluster, cfg Node, m *ring.Member) *node {
	if cfg.Bind == "" {
		cfg.Bind = "127.0.0.1:0"
	}
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(cfg.Name))
	return &node{Node: cfg, cluster: c, hostID: id, member: m, prepared: newPrepared()}
}

func (n *node) start() error {
	n.lifecycle.Lock()
	defer n.lifecycle.Unlock()
	if n.running() {
		return nil
	}
	l, err := n.cluster.cfg.Listen("tcp", n.address())
	if err != nil {
		return fmt.Errorf("start %s: %w", n.Name, err)
	}
	stopping := make(chan struct{})
	n.mu.Lock()
	n.Bind = l.Addr().String() // the same again after a stop
	n.listener, n.conns, n.stopping = l, map[*conn]struct{}{}, stopping
	n.mu.Unlock()
	n.member.SetUp(true)
	n.tasks.Go(func() { n.accept(l, stopping) })
	n.cluster.cfg.Log.Info("node is up", "node", n.Name, "address", n.Bind)
	return nil
}

// stop returns when everything of the node has ended; it tells whether the node was running.
func (n *node) stop() bool {
	n.lifecycle.Lock()
	defer n.lifecycle.Unlock()
	if !n.running() {
		return false
	}
	n.wake()
	n.member.SetUp(false)
	n.mu.Lock()
	close(n.stopping)
	n.listener.Close()
	for c := range n.conns {
		c.net.Close()
	}
	n.listener = nil
	n.mu.Unlock()
	n.tasks.Wait()
	n.cluster.cfg.Log.Info("node is down", "node", n.Name)
	return true
}

// freeze has missed called when the node has been frozen for long; it tells whether the node was running, and not frozen yet.
func (n *node) freeze(missed func()) bool {
	n.lifecycle.Lock()
	defer n.lifecycle.Unlock()
	if !n.running() || n.missed != nil {
		return false
	}
	n.member.SetUp(false)
	n.frost.Freeze()
	n.missed = time.AfterFunc(missedAfter, missed)
	return true
}

// thaw tells whether the node had been missed.
func (n *node) thaw() bool {
	n.lifecycle.Lock()
	defer n.lifecycle.Unlock()
	if n.missed == nil {
		return false
	}
	n.member.SetUp(true)
	return !n.wake()
}

// wake ends a freeze; it tells whether that was before the others missed the node.
func (n *node) wake() bool {
	n.frost.Thaw()
	early := n.missed != nil && n.missed.Stop()
	n.missed = nil
	return early
}

func (n *node) running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.listener != nil
}

func (n *node) address() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.Bind
}

func (n *node) accept(l net.Listener, stopping chan struct{}) {
	for {
		nc, err := l.Accept()
		if err == nil {
			n.serve(nc)
			continue
		}
		const pause = 10 * time.Millisecond // out of descriptors, for example
		select {
		case <-stopping:
			return
		case <-time.After(pause):
			n.cluster.cfg.Log.Warn("accept failed", "node", n.Name, "error", err)
		}
	}
}

// serve takes a connection, unless the node is stopping or has too many.
func (n *node) serve(nc net.Conn) {
	c := newConn(n, n.frost.Conn(nc))
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listener == nil || len(n.conns) >= maxConns {
		nc.Close()
		return
	}
	n.conns[c] = struct{}{}
	n.tasks.Go(c.serve)
}

func (n *node) remove(c *conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
}

// timestamp makes a time for a write that brings none: microseconds, each once.
func (n *node) timestamp() int64 {
	for {
		last, now := n.lastTime.Load(), n.cluster.cfg.Now().UnixMicro()
		now = max(now, last+1)
		if n.lastTime.CompareAndSwap(last, now) {
			return now
		}
	}
}

// seconds is the time against which TTLs are held.
func (n *node) seconds() uint32 { return uint32(n.cluster.cfg.Now().Unix()) }
