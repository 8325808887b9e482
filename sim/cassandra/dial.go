package cassandra

import (
	"context"
	"net"
	"net/netip"
)

// Dialer leads a driver in this process from the addresses that a cluster's nodes announce to where they listen. Its
// connections say that they go to the announced address: gocql takes the port of its control connection's other end for
// the port of that node.
type Dialer struct {
	Cluster *Cluster
	Dial    func(ctx context.Context, network, address string) (net.Conn, error) // nil means net.Dialer's
}

// DialContext connects.
func (d Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, ok := d.Cluster.Routes()[address]
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.AddrError{Err: "no node announces", Addr: address}}
	}
	announced, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	dial := d.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, network, to)
	if err != nil {
		return nil, err
	}
	return routed{nc, net.TCPAddrFromAddrPort(announced)}, nil
}

type routed struct {
	net.Conn
	announced net.Addr
}

func (r routed) RemoteAddr() net.Addr { return r.announced }
