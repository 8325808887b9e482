package port

import (
	"context"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Listen listens so that the port can be kept by a second socket while the listener is closed (SO_REUSEPORT).
func Listen(network, address string) (net.Listener, error) {
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

// Claim binds a socket that never listens to the listener's port: dials are refused, and nobody else gets the port.
func Claim(listener net.Listener) (release func()) {
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
