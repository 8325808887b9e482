package cluster

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// Dial leads from an address that a server announces to where it is.
func (c *Cluster) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	to, ok := c.Routes()[address]
	if !ok {
		return nil, fmt.Errorf("dial %s: no server announces that", address)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, to)
	if err != nil {
		return nil, err
	}
	if announced, err := netip.ParseAddrPort(address); err == nil {
		conn = routed{conn, net.TCPAddrFromAddrPort(announced)}
	}
	return conn, nil
}

// routed says that it goes to the announced address: Cassandra's driver takes the port of its connection's other end for
// the node's.
type routed struct {
	net.Conn
	announced net.Addr
}

func (r routed) RemoteAddr() net.Addr { return r.announced }

// Dialer is Dial for Cassandra's driver.
type Dialer struct{ *Cluster }

// DialContext connects.
func (d Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d.Dial(ctx, network, address)
}
