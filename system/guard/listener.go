package guard

import (
	"net"
	"sync"
	"sync/atomic"
)

// Bound is a listener that holds at most so many connections, whatever becomes of them: one more is closed at once, so
// that a stranger who opens many cannot use up the process's file descriptors. Closed says how many were.
type Bound struct {
	net.Listener
	max    int64
	open   atomic.Int64
	Closed atomic.Int64
}

// NewBound bounds a listener.
func NewBound(l net.Listener, most int) *Bound { return &Bound{Listener: l, max: int64(most)} }

// Accept waits for a connection that is within the bound.
func (b *Bound) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if b.open.Add(1) <= b.max {
			return &counted{Conn: c, release: sync.OnceFunc(func() { b.open.Add(-1) })}, nil
		}
		b.open.Add(-1)
		b.Closed.Add(1)
		_ = c.Close()
	}
}

type counted struct {
	net.Conn
	release func()
}

// Close closes the connection and makes room for another.
func (c *counted) Close() error {
	defer c.release()
	return c.Conn.Close()
}
