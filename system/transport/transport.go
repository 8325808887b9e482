// Package transport gives every role the same ways to dial and to listen, so that a test can put its own network beneath.
package transport

import (
	"context"
	"net"

	"github.com/chatlab/chatlab/system/trace"
)

// Network dials and listens. Its zero value is the machine's own network.
type Network struct {
	DialFunc   func(ctx context.Context, network, address string) (net.Conn, error)
	ListenFunc func(network, address string) (net.Listener, error)
	// Names maps "name:port" as a store or a role announces it to the address that leads there. What is not in it
	// is dialed as it stands.
	Names map[string]string
	// Secret is sent with every call to another role and asked for by every server. Nil: calls are not proved.
	Secret *Secret
	// Tracer makes spans of the calls of this network's clients and servers; nil: none.
	Tracer *trace.Tracer
}

// Dial connects to an address after looking it up in Names.
func (n Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if to, ok := n.Names[address]; ok {
		address = to
	}
	if n.DialFunc != nil {
		return n.DialFunc(ctx, network, address)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// Listen opens a listener.
func (n Network) Listen(network, address string) (net.Listener, error) {
	if n.ListenFunc != nil {
		return n.ListenFunc(network, address)
	}
	return net.Listen(network, address)
}
