package network

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Conn is one end of a connection. It behaves as a *net.TCPConn does: a half-close is seen as the end, a Close with unread bytes or without
// lingering as a reset, and a write to an end that is gone succeeds once before it fails.
type Conn struct {
	link          *link
	peer          *Conn
	out           *route
	local, remote *net.TCPAddr

	// Guarded by the link's lock.
	inbox                bytes.Buffer // has arrived
	flight               []parcel     // is on its way here
	flying               int          // bytes in flight
	landing              *time.Timer
	segments             uint64 // sent
	ended                bool   // the peer sends no more
	broken               error  // the connection was reset, or an end crashed
	closed               bool
	readClosed           bool
	writeClosed          bool
	abrupt               bool // Close resets
	readable, writable   *sync.Cond
	readLimit, sendLimit deadline
}

func newConn(l *link, out *route, local, remote *net.TCPAddr) *Conn {
	c := &Conn{link: l, out: out, local: local, remote: remote, readable: sync.NewCond(&l.mu), writable: sync.NewCond(&l.mu)}
	c.readLimit.cond, c.sendLimit.cond = c.readable, c.writable
	return c
}

// Read reads what has arrived.
func (c *Conn) Read(p []byte) (int, error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, c.wrap("read", net.ErrClosed)
		case c.readLimit.passed:
			return 0, c.wrap("read", os.ErrDeadlineExceeded)
		case len(p) == 0:
			return 0, nil
		case c.inbox.Len() > 0 && !c.readClosed:
			return c.take(p), nil
		}
		if err := c.readState(); err != nil {
			return 0, c.wrap("read", err)
		}
		c.readable.Wait()
	}
}

// take moves arrived bytes to p and makes room for the peer.
func (c *Conn) take(p []byte) int {
	n, _ := c.inbox.Read(p)
	if c.inbox.Len() > 0 {
		c.readable.Signal() // for another reader
	} else if c.inbox.Cap() > 16<<10 {
		c.inbox = bytes.Buffer{} // idle connections hold little
	}
	c.peer.writable.Signal()
	return n
}

// Write sends bytes; it blocks while 256 KB are under way or unread.
func (c *Conn) Write(p []byte) (sent int, err error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	for {
		switch {
		case c.closed:
			return sent, c.wrap("write", net.ErrClosed)
		case c.sendLimit.passed:
			return sent, c.wrap("write", os.ErrDeadlineExceeded)
		case c.broken != nil || c.writeClosed:
			return sent, c.wrap("write", syscall.EPIPE)
		case len(p) == 0:
			return sent, nil
		}
		if room := c.room(); room > 0 {
			n := min(room, len(p))
			c.send(parcel{bytes: p[:n]})
			p = p[n:]
			if sent += n; len(p) == 0 {
				c.writable.Signal() // for another writer
				return sent, nil
			}
			continue
		}
		c.writable.Wait()
	}
}

// Close ends both directions.
func (c *Conn) Close() error {
	c.link.mu.Lock()
	if c.closed {
		c.link.mu.Unlock()
		return c.wrap("close", net.ErrClosed)
	}
	switch {
	case c.broken != nil:
	case c.abrupt || c.inbox.Len() > 0:
		c.send(parcel{kind: rst})
		c.breakOff(net.ErrClosed)
	case !c.writeClosed:
		c.send(parcel{kind: fin})
	}
	c.closed, c.writeClosed = true, true
	c.inbox = bytes.Buffer{}
	c.readLimit.stop()
	c.sendLimit.stop()
	c.readable.Broadcast()
	c.writable.Broadcast()
	c.link.mu.Unlock()
	c.link.forget()
	return nil
}

// CloseWrite tells the peer that no more comes.
func (c *Conn) CloseWrite() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.wrap("close", net.ErrClosed)
	}
	if !c.writeClosed && c.broken == nil {
		c.send(parcel{kind: fin})
	}
	c.writeClosed = true
	c.writable.Broadcast()
	return nil
}

// CloseRead drops what the peer sends from now on.
func (c *Conn) CloseRead() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.wrap("close", net.ErrClosed)
	}
	c.readClosed = true
	c.inbox.Reset()
	c.readable.Broadcast()
	c.peer.writable.Broadcast()
	return nil
}

// SetLinger makes Close reset the connection if seconds is 0. Other values change nothing: Close never waits.
func (c *Conn) SetLinger(seconds int) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.abrupt = seconds == 0
	return nil
}

// abandon ends a connection whose dialler gave up before it knew of it.
func (c *Conn) abandon() {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// LocalAddr is a *net.TCPAddr of this end's host.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is a *net.TCPAddr of the peer's host.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline limits reads and writes, those that wait already too; zero lifts the limit.
func (c *Conn) SetDeadline(t time.Time) error {
	return c.limit(t, &c.readLimit, &c.sendLimit)
}

// SetReadDeadline limits reads.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.limit(t, &c.readLimit) }

// SetWriteDeadline limits writes.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.limit(t, &c.sendLimit) }

func (c *Conn) limit(t time.Time, limits ...*deadline) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.closed {
		return c.wrap("set", net.ErrClosed)
	}
	for _, d := range limits {
		d.set(t)
	}
	return nil
}

// wrap makes an error look as package net's do; io.EOF stays bare, as there.
func (c *Conn) wrap(operation string, err error) error {
	if errors.Is(err, io.EOF) {
		return err
	}
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		err = os.NewSyscallError(operation, errno)
	}
	return &net.OpError{Op: operation, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}
