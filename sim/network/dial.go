package network

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// A request to connect that gets no answer is sent again after one second, then after twice as long each time, and given up after 127 s, as on Linux.
const (
	firstRetry = time.Second
	lastRetry  = 64 * time.Second
)

// DialContext connects to host:port, where host is a name or an IP address of the network, or localhost.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := h.dial(ctx, address)
	if err == nil {
		return conn, nil
	}
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		err = os.NewSyscallError("connect", errno)
	}
	return nil, &net.OpError{Op: "dial", Net: network, Addr: destination(address), Err: err}
}

// destination is an address that may be a name, as dial errors show it.
type destination string

func (destination) Network() string  { return "tcp" }
func (d destination) String() string { return string(d) }

func (h *Host) dial(ctx context.Context, address string) (*Conn, error) {
	for retry := firstRetry; ; retry *= 2 {
		conn, err := h.try(ctx, address)
		if conn != nil || err != nil {
			return conn, err
		}
		if retry > lastRetry {
			return nil, syscall.ETIMEDOUT
		}
		if err := sleep(ctx, retry); err != nil {
			return nil, err
		}
	}
}

// try sends one request to connect; neither a connection nor an error means that no answer came.
func (h *Host) try(ctx context.Context, address string) (*Conn, error) {
	a, err := h.prepare(address)
	if err != nil {
		return nil, err
	}
	if err := sleep(ctx, a.there.delay(a.number, 0)); err != nil {
		return nil, err
	}
	conn, err := a.arrive()
	if conn == nil && err == nil {
		return nil, ctx.Err()
	}
	if lost := a.answer(ctx); lost != nil {
		if conn != nil {
			conn.abandon()
		}
		return nil, lost
	}
	return conn, err
}

// answer waits for the answer, which the far host repeats while it gets lost.
func (a attempt) answer(ctx context.Context) error {
	if err := sleep(ctx, a.back.delay(a.number, 0)); err != nil {
		return err
	}
	for retry := firstRetry; a.back.cut.Load(); retry = min(2*retry, lastRetry) {
		if err := sleep(ctx, retry); err != nil {
			return err
		}
	}
	return nil
}

// attempt is one request to connect on its way.
type attempt struct {
	from, to    *Host
	port        int
	number      uint64
	there, back *route
}

func (h *Host) prepare(address string) (a attempt, err error) {
	n := h.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if h.down {
		return a, syscall.ENETDOWN
	}
	if a.to, a.port, err = h.find(address); err != nil {
		return a, err
	}
	a.from = h
	a.there, a.back = n.route(h, a.to), n.route(a.to, h)
	n.dials[ends{h, a.to}]++
	a.number = n.dials[ends{h, a.to}]
	return a, nil
}

// arrive makes the connection at the far host, if somebody listens there.
func (a attempt) arrive() (*Conn, error) {
	n := a.from.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if a.there.cut.Load() || a.back.cut.Load() || a.from.down {
		return nil, nil
	}
	listener := n.listeners[a.to.address(a.port).String()]
	if listener == nil || a.to.down {
		return nil, syscall.ECONNREFUSED
	}
	near, far := newLink(n, a, listener)
	if !listener.offer(far) {
		return nil, nil
	}
	n.links[near.link] = struct{}{}
	return near, nil
}

// sleep waits; an ended context is an error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
