//go:build !linux

package port

import "net"

// Listen listens; elsewhere than on Linux nothing keeps the address while the listener is closed.
func Listen(network, address string) (net.Listener, error) { return net.Listen(network, address) }

// Claim keeps nothing elsewhere than on Linux.
func Claim(net.Listener) (release func()) { return func() {} }
