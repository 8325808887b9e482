package port

import (
	"net"
	"sync"
	"sync/atomic"
)

// Frost holds what crosses the connections of a process while it is stopped. The kernel goes on for it: dials succeed, and
// what is sent to it waits.
type Frost struct{ thawed atomic.Pointer[chan struct{}] } // nil while nothing is frozen

// Freeze holds every read and write from now on.
func (f *Frost) Freeze() {
	thawed := make(chan struct{})
	f.thawed.CompareAndSwap(nil, &thawed)
}

// Thaw lets what is held go on.
func (f *Frost) Thaw() {
	if thawed := f.thawed.Swap(nil); thawed != nil {
		close(*thawed)
	}
}

// Conn makes a connection of the process feel the frost.
func (f *Frost) Conn(conn net.Conn) net.Conn {
	return &frosted{Conn: conn, frost: f, closed: make(chan struct{})}
}

type frosted struct {
	net.Conn
	frost  *Frost
	once   sync.Once
	closed chan struct{}
}

// wait returns false if the connection was closed in the frost.
func (c *frosted) wait() bool {
	for thawed := c.frost.thawed.Load(); thawed != nil; thawed = c.frost.thawed.Load() {
		select {
		case <-*thawed:
		case <-c.closed:
			return false
		}
	}
	return true
}

// Read holds back what came in the frost, for the process has not seen it.
func (c *frosted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.wait() {
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *frosted) Write(p []byte) (int, error) {
	if !c.wait() {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

func (c *frosted) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
