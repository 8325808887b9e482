package relay

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/chatlab/chatlab/chaos/port"
)

// entrance is what a dial to a link meets.
type entrance int

const (
	open entrance = iota
	hung          // dials hang, and go on when the door opens
	shut          // dials are refused
)

// door is a link's listener at one address for life. Its methods are called one at a time.
type door struct {
	address  string
	listen   func(network, address string) (net.Listener, error)
	logger   *slog.Logger
	serve    func(net.Conn)
	listener net.Listener
	state    entrance
	closed   chan struct{}
	stopped  chan struct{} // closed when nobody accepts
	plugs    plugs         // fill the backlog while the door is hung
	claim    func()        // gives up the port that is kept while the door is shut
}

func openDoor(c Config, serve func(net.Conn)) (*door, error) {
	listener, err := c.Listen("tcp", c.Address)
	if err != nil {
		return nil, err
	}
	d := &door{
		address:  listener.Addr().String(),
		listen:   c.Listen,
		logger:   c.Logger,
		serve:    serve,
		listener: listener,
		closed:   make(chan struct{}),
	}
	d.start()
	return d, nil
}

// become changes what a dial meets.
func (d *door) become(want entrance) error {
	if want == hung && !canPlug(d.listener) && d.state != shut {
		want = open // the door is left open: a connection is accepted and then waits, silent, for the cut to end
	}
	if want == d.state || d.isClosed() {
		return nil
	}
	if err := d.leave(); err != nil {
		return err
	}
	d.state = open
	switch {
	case want == shut:
		d.shut()
	case want == hung && canPlug(d.listener):
		return d.hang()
	default:
		d.start()
	}
	return nil
}

// leave ends the present state; the listener then lives, and nobody accepts unless the door was open.
func (d *door) leave() error {
	switch d.state {
	case hung:
		d.plugs.pull(d.listener)
	case shut:
		listener, err := d.listen("tcp", d.address)
		if err != nil {
			return fmt.Errorf("listen again on %s: %w", d.address, err)
		}
		d.listener = listener
		d.claim()
	}
	return nil
}

func (d *door) shut() {
	d.claim = port.Claim(d.listener)
	_ = d.listener.Close()
	<-d.stopped
	d.state = shut
}

func (d *door) hang() error {
	deadline := d.listener.(interface{ SetDeadline(time.Time) error })
	_ = deadline.SetDeadline(time.Unix(1, 0))
	<-d.stopped
	_ = deadline.SetDeadline(time.Time{})
	d.state = hung
	return d.plugs.plug(d.listener)
}

func (d *door) start() {
	d.stopped = make(chan struct{})
	go d.accept(d.listener, d.plugs, d.stopped)
}

// accept hands connections on until the listener is closed or its deadline passes. Other errors (no descriptors) pass with time.
func (d *door) accept(listener net.Listener, plugs plugs, stopped chan struct{}) {
	defer close(stopped)
	for {
		conn, err := listener.Accept()
		switch {
		case err == nil && plugs.include(conn.RemoteAddr()):
			_ = conn.Close()
		case err == nil:
			d.serve(conn)
		case errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) || !d.rest(err):
			return
		}
	}
}

// rest waits a little after a failed accept; false means that the door was closed.
func (d *door) rest(err error) bool {
	d.logger.Warn("accept failed", "error", err)
	timer := time.NewTimer(50 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-d.closed:
		return false
	}
}

func (d *door) isClosed() bool {
	select {
	case <-d.closed:
		return true
	default:
		return false
	}
}

func (d *door) close() error {
	if d.isClosed() {
		return nil
	}
	close(d.closed)
	if d.state == shut {
		d.claim()
		return nil
	}
	err := d.listener.Close()
	d.plugs.drop()
	<-d.stopped
	return err
}
