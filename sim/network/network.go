// Package network is a TCP-like network in memory that works inside a testing/synctest bubble, whose hosts can be cut off, partitioned and crashed.
//
// Everything that blocks does so in a sync.Cond or on a timer, and no goroutine runs while nothing is under way. Without latency,
// what is written has arrived when Write returns.
package network

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Config describes a network. The zero value delivers at once.
type Config struct {
	// Latency is how long a segment needs; nil means no time. For runs that can be repeated it is a pure function.
	Latency func(Segment) time.Duration
}

// Segment is one hop of one Write (or of a request to connect, or its answer), as a latency function sees it.
type Segment struct {
	From, To string // names of hosts
	Dial     uint64 // the how-manieth dial from the host that dialled to the other one, from 1
	Number   uint64 // the how-manieth segment of this connection in this direction; 0 is the connecting
}

// Network connects hosts. Its methods, and those of its hosts, may be called from any goroutine.
type Network struct {
	config Config

	mu        sync.Mutex
	hosts     map[string]*Host // by name and by IP
	listeners map[string]*Listener
	routes    map[ends]*route
	dials     map[ends]uint64
	links     map[*link]struct{}
	count     int // of hosts
}

// ends are two hosts, in this direction.
type ends struct{ from, to *Host }

// New makes an empty network.
func New(config Config) *Network {
	return &Network{
		config:    config,
		hosts:     map[string]*Host{},
		listeners: map[string]*Listener{},
		routes:    map[ends]*route{},
		dials:     map[ends]uint64{},
		links:     map[*link]struct{}{},
	}
}

// Host is one machine of the network.
type Host struct {
	network *Network
	name    string
	ip      net.IP
	port    int // last ephemeral port given out
	down    bool
}

// Host returns the host of a name, made when it is first asked for. It gets the next address of 10.0.0.0/8; a name that is an IP address is its own.
func (n *Network) Host(name string) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h := n.hosts[name]; h != nil {
		return h
	}
	h := &Host{network: n, name: name, ip: net.ParseIP(name), port: firstPort}
	for h.ip == nil {
		n.count++
		ip := net.IPv4(10, byte(n.count>>16), byte(n.count>>8), byte(n.count))
		if n.hosts[ip.String()] == nil {
			h.ip = ip
		}
	}
	n.hosts[name], n.hosts[h.ip.String()] = h, h
	return h
}

// Name is the host's name.
func (h *Host) Name() string { return h.name }

// IP is the host's address.
func (h *Host) IP() net.IP { return h.ip }

// Ephemeral ports lie between these, as on Linux.
const (
	firstPort = 32768
	lastPort  = 60999
)

// freePort gives out a port on which nobody listens. The caller holds the network's lock.
func (h *Host) freePort() int {
	for {
		if h.port++; h.port > lastPort {
			h.port = firstPort + 1
		}
		if h.network.listeners[h.address(h.port).String()] == nil {
			return h.port
		}
	}
}

func (h *Host) address(port int) *net.TCPAddr { return &net.TCPAddr{IP: h.ip, Port: port} }

// find reads host:port as seen from a host: loopback and unspecified addresses are the host itself. The caller holds the lock.
func (h *Host) find(address string) (*Host, int, error) {
	name, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, 0, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, 0, &net.AddrError{Err: "invalid port", Addr: address}
	}
	ip := net.ParseIP(name)
	if name == "" || name == "localhost" || ip.IsLoopback() || ip.IsUnspecified() {
		return h, int(port), nil
	}
	if to := h.network.hosts[name]; to != nil {
		return to, int(port), nil
	}
	if ip != nil {
		return nil, 0, fmt.Errorf("reach %s: %w", name, syscall.EHOSTUNREACH)
	}
	return nil, 0, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}
