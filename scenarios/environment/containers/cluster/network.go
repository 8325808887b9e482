package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	dockernetwork "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// network is a cluster's own network, in which each server has an address that stays when it is started again.
type network struct {
	name   string
	subnet netip.Prefix
}

func networkName(cluster string) string { return "chatlab-" + cluster }

// makeNetwork makes a network. Addresses can only be chosen in one whose range was chosen too, so the engine is asked
// for a free range first.
func (e *engine) makeNetwork(ctx context.Context, c *Cluster) (*network, error) {
	n := &network{name: networkName(c.id)}
	for range 5 { // somebody else may take the range in between
		err := e.findRange(ctx, n, c.labels(""))
		if err != nil {
			return nil, fmt.Errorf("find a range of addresses: %w", err)
		}
		ipam := &dockernetwork.IPAM{Config: []dockernetwork.IPAMConfig{{Subnet: n.subnet}}}
		if _, err = e.NetworkCreate(ctx, n.name, client.NetworkCreateOptions{Driver: "bridge", IPAM: ipam, Labels: c.labels("")}); err == nil {
			return n, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
	return nil, errors.New("make network: every range that the engine offered was taken a moment later; try again")
}

func (e *engine) findRange(ctx context.Context, n *network, labels map[string]string) error {
	made, err := e.NetworkCreate(ctx, n.name, client.NetworkCreateOptions{Driver: "bridge", Labels: labels})
	if err != nil {
		return err
	}
	err = e.readRange(ctx, n)
	if _, rerr := e.NetworkRemove(ctx, made.ID, client.NetworkRemoveOptions{}); rerr != nil {
		return rerr
	}
	return err
}

// readRange reads which addresses a network has.
func (e *engine) readRange(ctx context.Context, n *network) error {
	seen, err := e.NetworkInspect(ctx, n.name, client.NetworkInspectOptions{})
	if err != nil {
		return err
	}
	for _, c := range seen.Network.IPAM.Config {
		if c.Subnet.Addr().Is4() && c.Subnet.Bits() <= 24 {
			n.subnet = c.Subnet
			return nil
		}
	}
	return fmt.Errorf("the engine offers no IPv4 range with 256 addresses: %v", seen.Network.IPAM.Config)
}

// address is the network's nth address.
func (n *network) address(nth byte) netip.Addr {
	b := n.subnet.Masked().Addr().As4()
	b[3] += nth
	return netip.AddrFrom4(b)
}

// addresses are count of the network's addresses.
func (n *network) addresses(first, count byte) []netip.Addr {
	out := make([]netip.Addr, count)
	for i := range out {
		out[i] = n.address(first + byte(i))
	}
	return out
}
