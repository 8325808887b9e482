package relay

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// listenTCP listens so that the port can be kept by a second socket while the listener is closed (SO_REUSEPORT).
func listenTCP(network, address string) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		if err != nil {
			return err
		}
		return failed
	}}
	return config.Listen(context.Background(), network, address)
}

// claim binds a socket that never listens to the listener's port: dials are refused, and nobody else gets the port.
func claim(listener net.Listener) (release func()) {
	release = func() {}
	address, ok := listener.Addr().(*net.TCPAddr)
	if _, real := listener.(*net.TCPListener); !ok || !real || address.IP.To4() == nil {
		return release
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return release
	}
	release = func() { _ = unix.Close(fd) }
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	_ = unix.Bind(fd, &unix.SockaddrInet4{Port: address.Port, Addr: [4]byte(address.IP.To4())})
	return release
}

// backlog is how many connections may wait to be accepted while the door is open; the kernel lowers it to its own limit.
const backlog = 4096

// plugs are connections of our own that fill a listener's backlog: the kernel then drops every further request to connect, as a
// black hole does, and the dialler's kernel asks again (after 1, 3, 7 s) until the plugs are pulled.
type plugs []net.Conn

func canPlug(listener net.Listener) bool {
	_, ok := listener.(*net.TCPListener)
	return ok
}

// plug shortens the backlog to one and fills it; a backlog of n takes n + 1 connections.
func (p *plugs) plug(listener net.Listener) error {
	if err := setBacklog(listener, 1); err != nil {
		return fmt.Errorf("shorten backlog: %w", err)
	}
	*p = nil
	for range 2 {
		conn, err := net.DialTimeout("tcp", listener.Addr().String(), 100*time.Millisecond)
		if err != nil {
			break // full already, with connections that nobody has accepted
		}
		*p = append(*p, conn)
	}
	return nil
}

func (p *plugs) pull(listener net.Listener) {
	_ = setBacklog(listener, backlog)
	p.drop()
}

func (p *plugs) drop() {
	for _, conn := range *p {
		_ = conn.Close()
	}
}

// include tells whether an accepted connection is a plug.
func (p plugs) include(address net.Addr) bool {
	for _, conn := range p {
		if conn.LocalAddr().String() == address.String() {
			return true
		}
	}
	return false
}

func setBacklog(listener net.Listener, n int) error {
	raw, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.Listen(int(fd), n) }); err != nil {
		return err
	}
	return failed
}
