package cassandra_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gocql/gocql"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/cassandra"
)

// TestBubble runs a cluster and gocql in virtual time: a TTL of two hours, a node that is away for one.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipes := &pipes{listeners: map[string]*pipeListener{}}
		nodes := cassandra.Nodes(3)
		for i := range nodes {
			nodes[i].Bind = net.JoinHostPort(nodes[i].IP.String(), "9042")
		}
		c := start(t, cassandra.Config{Nodes: nodes, Listen: pipes.listen})
		cfg := settings(c)
		cfg.Dialer = cassandra.Dialer{Cluster: c, Dial: pipes.dial}
		session := openWith(t, cfg)

		conv := gocql.MustRandomUUID()
		require.NoError(t, session.Query(`INSERT INTO conversations (conversation_id, type) VALUES (?, 'group') USING TTL 7200`, conv).Exec())
		read := session.Query(`SELECT type FROM conversations WHERE conversation_id = ?`, conv)
		require.NoError(t, c.Stop("cassandra-2"))
		wait(time.Hour)
		require.NoError(t, read.Scan(new(string)))
		require.NoError(t, c.Start("cassandra-2"))
		wait(time.Hour - time.Minute)
		require.NoError(t, read.Scan(new(string)))
		wait(time.Minute)
		require.ErrorIs(t, read.Scan(new(string)), gocql.ErrNotFound)
		session.Close()
		c.Close()
	})
}

// wait lets virtual time pass.
func wait(d time.Duration) { <-time.After(d) }

// pipes is a network of net.Pipe.
type pipes struct {
	mu        sync.Mutex
	listeners map[string]*pipeListener
}

func (p *pipes) listen(_, address string) (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &pipeListener{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
	p.listeners[address] = l
	return l, nil
}

func (p *pipes) dial(ctx context.Context, network, address string) (net.Conn, error) {
	p.mu.Lock()
	l := p.listeners[address]
	p.mu.Unlock()
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: network, Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type pipeListener struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return l.addr }
