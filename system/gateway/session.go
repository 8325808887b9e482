package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/chatlab/chatlab/system/chat"
)

// session is one connection of one device. It costs one goroutine, which reads.
type session struct {
	g      *Gateway
	ws     *websocket.Conn
	conn   *joined
	user   chat.ID
	device string
	epoch  int64
	next   *session // of the same user, under the table's lock

	expires   atomic.Int64  // unix nanoseconds of the wall clock: the end of the user token
	heard     atomic.Int64  // clock of the last byte from the device
	framed    atomic.Int64  // clock of its last frame
	refreshed atomic.Int64  // clock of the last sign of life that presence was told; untold: none
	pinged    time.Duration // of the sweeper: clock of the last ping
	announced atomic.Bool   // presence may know the device

	out      outbox
	lanes    lanes
	received cursors

	// Under the lock of Gateway.watches.
	watching []chat.ID          // whose presence the device is told
	outdate  context.CancelFunc // ends the tries of its newest subscription; nil: none yet

	// Of the reader.
	resumed bool
	bad     int // frames in a row
	frames  pace
	surplus pace // frames that frames refused
}

// alive notes a sign of life and passes it on to presence, if the last one there is old enough.
func (s *session) alive() {
	now := int64(s.g.clock())
	s.heard.Store(now)
	if s.announced.Load() {
		s.g.refresher.alive(s, now)
	}
}

// run reads until the connection ends, and then clears up.
func (s *session) run() {
	defer s.g.leave()
	err := s.read()
	s.out.end(s)
	s.g.watches.forget(s)
	s.hangUp(err)
	if s.g.table.remove(s) && s.announced.Load() {
		s.g.work.Go(s.sayLeft)
	}
}

func (s *session) read() error {
	for {
		typ, r, err := s.ws.Reader(context.Background())
		if err != nil {
			return err
		}
		b := s.g.buffers.Get().(*bytes.Buffer)
		if _, err = b.ReadFrom(r); err == nil {
			s.receive(typ, b.Bytes())
		}
		s.g.putBuffer(b)
		if err != nil {
			return err
		}
	}
}

// hangUp ends the connection after the reader saw err. A device that broke the protocol is told, and what it still
// sends is read for a while: closing with unread bytes would destroy the close frame on its way.
func (s *session) hangUp(err error) {
	switch code := violation(err); {
	case code == 0:
		s.ws.CloseNow()
	default:
		s.g.metrics.closed(code)
		s.ws.Close(websocket.StatusCode(code), closeName(code))
	}
}

// violation tells a breach of the protocol from a connection that ended.
func violation(err error) chat.CloseCode {
	var network net.Error
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return chat.CloseTooBig
	case websocket.CloseStatus(err) != -1, errors.As(err, &network), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return 0
	}
	return chat.CloseProtocol
}
