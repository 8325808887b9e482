package relay

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

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
