package network

import (
	"net"
	"sync"
	"syscall"
)

// backlog is how many connections may wait to be accepted; further requests to connect are dropped, and tried again.
const backlog = 1024

// Listener accepts connections to one port of a host.
type Listener struct {
	host    *Host
	address *net.TCPAddr

	mu     sync.Mutex
	some   *sync.Cond
	queue  []*Conn
	closed bool
}

// Listen listens on a port of the host, a free one if it is 0. It listens at the host's address, whatever host the address says:
// servers that listen on loopback can be reached from other hosts, by what Addr tells.
func (h *Host) Listen(network, address string) (net.Listener, error) {
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	_, port, err := h.find(address)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	if port == 0 {
		port = h.freePort()
	}
	at := h.address(port)
	switch {
	case h.down:
		return nil, &net.OpError{Op: "listen", Net: network, Addr: at, Err: syscall.ENETDOWN}
	case n.listeners[at.String()] != nil:
		return nil, &net.OpError{Op: "listen", Net: network, Addr: at, Err: syscall.EADDRINUSE}
	}
	l := &Listener{host: h, address: at}
	l.some = sync.NewCond(&l.mu)
	n.listeners[at.String()] = l
	return l, nil
}

// Accept waits for a connection.
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 && !l.closed {
		l.some.Wait()
	}
	if l.closed {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.address, Err: net.ErrClosed}
	}
	conn := l.queue[0]
	l.queue = l.queue[1:]
	return conn, nil
}

// offer queues a connection; false if there is no room.
func (l *Listener) offer(conn *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.queue) >= backlog {
		return false
	}
	l.queue = append(l.queue, conn)
	l.some.Signal()
	return true
}

// Close stops listening; connections that nobody has accepted are reset.
func (l *Listener) Close() error {
	n := l.host.network
	n.mu.Lock()
	if n.listeners[l.address.String()] == l {
		delete(n.listeners, l.address.String())
	}
	n.mu.Unlock()

	l.mu.Lock()
	queue, closed := l.queue, l.closed
	l.queue, l.closed = nil, true
	l.some.Broadcast()
	l.mu.Unlock()
	for _, conn := range queue {
		_ = conn.SetLinger(0)
		_ = conn.Close()
	}
	if closed {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.address, Err: net.ErrClosed}
	}
	return nil
}

// Addr is the address at which other hosts reach the listener.
func (l *Listener) Addr() net.Addr { return l.address }
