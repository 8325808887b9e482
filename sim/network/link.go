package network

import (
	"cmp"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"
)

// window is how many bytes may be under way and unread in one direction.
const window = 256 << 10

// link is one connection: two ends under one lock.
type link struct {
	network *Network
	dial    uint64

	mu   sync.Mutex
	ends [2]*Conn // the one that dialled, the one that accepted
}

func newLink(n *Network, a attempt, listener *Listener) (near, far *Conn) {
	l := &link{network: n, dial: a.number}
	local := a.from.address(a.from.freePort())
	near = newConn(l, a.there, local, listener.address)
	far = newConn(l, a.back, listener.address, local)
	near.peer, far.peer = far, near
	l.ends = [2]*Conn{near, far}
	return near, far
}

func (l *link) joins(h *Host) bool {
	return l.ends[0].out.from == h || l.ends[0].out.to == h
}

// compare orders links by who dialled and when.
func (l *link) compare(other *link) int {
	a, b := l.ends[0].out, other.ends[0].out
	return cmp.Or(cmp.Compare(a.from.name, b.from.name), cmp.Compare(a.to.name, b.to.name), cmp.Compare(l.dial, other.dial))
}

// forget lets the network drop a link whose two ends are done.
func (l *link) forget() {
	l.mu.Lock()
	done := l.ends[0].done() && l.ends[1].done()
	l.mu.Unlock()
	if done {
		l.network.mu.Lock()
		delete(l.network.links, l)
		l.network.mu.Unlock()
	}
}

// kind says what a parcel is.
type kind int

const (
	data kind = iota
	fin
	rst
)

// parcel is what travels from one end to the other.
type parcel struct {
	kind  kind
	bytes []byte
	at    time.Time // when it arrives; zero: at once
}

// The methods below are called with the link's lock held.

// send puts a parcel on the way to the peer. Bytes that arrive at once are not copied twice.
func (c *Conn) send(p parcel) {
	c.segments++
	delay := c.out.delay(c.link.dial, c.segments)
	if delay <= 0 && len(c.peer.flight) == 0 && !c.out.cut.Load() {
		c.peer.arrive(p)
		return
	}
	p.bytes = slices.Clone(p.bytes)
	if delay > 0 {
		p.at = time.Now().Add(delay)
	}
	if flight := c.peer.flight; len(flight) > 0 && p.at.Before(flight[len(flight)-1].at) {
		p.at = flight[len(flight)-1].at // order is kept
	}
	c.peer.flight = append(c.peer.flight, p)
	c.peer.flying += len(p.bytes)
	c.peer.land()
}

// land lets everything arrive whose time has come, and sets the timer for the next.
func (c *Conn) land() {
	for len(c.flight) > 0 && !c.peer.out.cut.Load() {
		next := c.flight[0]
		if wait := time.Until(next.at); !next.at.IsZero() && wait > 0 {
			c.landLater(wait)
			return
		}
		c.flight[0] = parcel{}
		c.flight = c.flight[1:]
		c.flying -= len(next.bytes)
		c.arrive(next)
	}
}

func (c *Conn) landLater(wait time.Duration) {
	if c.landing != nil {
		c.landing.Reset(wait)
		return
	}
	c.landing = time.AfterFunc(wait, func() {
		c.link.mu.Lock()
		c.land()
		c.link.mu.Unlock()
		c.link.forget()
	})
}

// arrive takes a parcel from the peer.
func (c *Conn) arrive(p parcel) {
	switch {
	case c.broken != nil:
	case p.kind == rst:
		c.breakOff(syscall.ECONNRESET)
	case p.kind == fin:
		c.ended = true
		c.readable.Broadcast()
	case c.closed: // nobody will read this: the sender is told
		c.send(parcel{kind: rst})
		c.breakOff(net.ErrClosed)
	case c.readClosed:
		c.peer.writable.Signal()
	default:
		c.inbox.Write(p.bytes)
		c.readable.Signal()
	}
}

// breakOff ends the connection at this end. What has arrived can still be read.
func (c *Conn) breakOff(why error) {
	if c.broken == nil {
		c.broken = why
	}
	c.flight, c.flying = nil, 0
	if c.landing != nil {
		c.landing.Stop()
	}
	c.readable.Broadcast()
	c.writable.Broadcast()
}

// room is how many bytes the peer still takes.
func (c *Conn) room() int { return window - c.peer.inbox.Len() - c.peer.flying }

// done tells whether nothing can happen at this end any more.
func (c *Conn) done() bool {
	return c.broken != nil || c.closed && c.ended
}

// readState is what a read meets when nothing is there to be read.
func (c *Conn) readState() error {
	switch {
	case c.broken != nil:
		return c.broken
	case c.ended || c.readClosed:
		return io.EOF
	default:
		return nil
	}
}
