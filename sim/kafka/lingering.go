package kafka

import (
	"encoding/binary"
	"net"
	"sync"
)

// lingering gives connections that outlive their client while it joins a group. The fake forgets to begin the session of a
// member whose connection is gone when the join is answered: that one would stay in the group for ever, with its share of
// the partitions. A real coordinator expels it after its session.
type lingering struct{ net.Listener }

func (l lingering) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lingeringConn{Conn: conn, settled: make(chan struct{})}, nil
}

const (
	keyJoinGroup = 11
	bytesOfKey   = 2 // at the beginning of a request, after its size
	bytesOfSize  = 4
)

// lingeringConn reads requests, one at a time, as they come: first the size, then what it says.
type lingeringConn struct {
	net.Conn
	header []byte // of the request under way; Read alone touches it, and left
	left   int    // bytes of it that are still to come

	mu      sync.Mutex
	joining bool // a join is not answered
	lost    bool // and its client is gone
	settled chan struct{}
	once    sync.Once
}

func (c *lingeringConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.follow(p[:n])
	if err != nil && c.lose() {
		<-c.settled
	}
	return n, err
}

// follow watches the requests go by.
func (c *lingeringConn) follow(p []byte) {
	for len(p) > 0 {
		if missing := bytesOfSize + bytesOfKey - len(c.header); missing > 0 {
			n := min(missing, len(p))
			c.header, p = append(c.header, p[:n]...), p[n:]
			if n < missing {
				return
			}
			c.left = int(binary.BigEndian.Uint32(c.header)) - bytesOfKey
			c.note(binary.BigEndian.Uint16(c.header[bytesOfSize:]) == keyJoinGroup)
		}
		n := min(c.left, len(p))
		c.left, p = c.left-n, p[n:]
		if c.left <= 0 {
			c.header = c.header[:0]
		}
	}
}

func (c *lingeringConn) note(joining bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.joining = joining
}

// lose notes that the client is gone, and says whether the connection must wait for an answer.
func (c *lingeringConn) lose() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = c.joining
	return c.lost
}

// Write drops the answer to a join whose client is gone.
func (c *lingeringConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	lost := c.lost
	c.joining = false
	c.mu.Unlock()
	if lost {
		c.settle()
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *lingeringConn) Close() error {
	c.settle()
	return c.Conn.Close()
}

func (c *lingeringConn) settle() { c.once.Do(func() { close(c.settled) }) }
