//go:build !linux

package relay

import "net"

// listenTCP listens; elsewhere than on Linux nothing keeps the port while the door is shut.
func listenTCP(network, address string) (net.Listener, error) { return net.Listen(network, address) }

func claim(net.Listener) (release func()) { return func() {} }

// plugs are empty elsewhere than on Linux: during a cut a dial succeeds, and the connection is silent.
type plugs struct{}

func canPlug(net.Listener) bool             { return false }
func (plugs) plug(net.Listener) error       { return nil }
func (plugs) pull(net.Listener)             {}
func (plugs) drop()                         {}
func (plugs) include(address net.Addr) bool { return false }
