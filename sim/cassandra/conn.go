package cassandra

import (
	"bufio"
	"errors"
	"net"

	"github.com/chatlab/chatlab/sim/cassandra/cqlerror"
	"github.com/chatlab/chatlab/sim/cassandra/native"
	"github.com/chatlab/chatlab/sim/cassandra/ring"
)

// conn is a client's connection. Requests are answered one after another where they are read: a request takes
// microseconds and waits for nothing, so that handing it to another goroutine would cost more than it brings.
type conn struct {
	node     *node
	net      net.Conn
	reader   *bufio.Reader
	writing  chan struct{} // holds a token while something is written
	done     chan struct{} // closed when the connection ends
	ready    bool          // STARTUP was there
	keyspace string

	out     []byte // answers not sent yet
	options native.Options
	rows    *ring.Reader

	interests map[string]bool // under node.mu: the events that the client wants
	events    chan []byte     // under node.mu: nil until it wants some
}

const readBuffer = 16 << 10

func newConn(n *node, nc net.Conn) *conn {
	return &conn{
		node: n, net: nc, reader: bufio.NewReaderSize(nc, readBuffer), rows: n.cluster.ring.NewReader(n.member),
		writing: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// flushAt is how many bytes of answers are gathered before they are sent though more requests wait.
const flushAt = 64 << 10

func (c *conn) serve() {
	defer c.node.remove(c)
	defer c.net.Close()
	defer close(c.done)
	for {
		f, err := native.ReadFrame(c.reader)
		if err != nil {
			c.farewell(f, err)
			return
		}
		c.out = c.answer(c.out, f)
		if len(c.out) < flushAt && native.Buffered(c.reader) {
			continue
		}
		if c.flush() != nil {
			return
		}
	}
}

// farewell tells the client what was wrong with its frame, if anything was.
func (c *conn) farewell(f native.Frame, err error) {
	if _, ok := errors.AsType[*cqlerror.Error](err); ok {
		c.out = c.fail(c.out, f.Stream, err)
	}
	c.flush()
}

func (c *conn) flush() error {
	err := c.write(c.out)
	const keep = 1 << 20
	if c.out = c.out[:0]; cap(c.out) > keep {
		c.out = nil
	}
	return err
}

// write sends whole frames, which must not be mixed with others.
func (c *conn) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	_, err := c.net.Write(b)
	return err
}
