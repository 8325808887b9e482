package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/chatlab/chatlab/system/chat"
)

// link is one WebSocket connection to a gateway. An idle one costs no goroutine but its reader's.
type link struct {
	ws   *websocket.Conn
	raw  io.Closer     // beneath ws: closing it frees a blocked reader and writer at once
	done chan struct{} // closed when nothing more comes from this connection

	write   time.Duration // bound of one write
	mu      sync.Mutex
	outbox  [][]byte
	bytes   int
	writing bool
	closed  bool
	failure string // why this side gave the connection up
	writers sync.WaitGroup

	buf   []byte // of the reader
	frame frame  // of the reader

	// Under the client's lock.
	interval time.Duration // between heartbeats
	paced    bool          // the heartbeats have left the rhythm of their connecting
	gateway  string
	epoch    int64
	since    time.Time // of resumed; zero before
	heard    int       // frames received
	heardAt  time.Time // the last one
	sent     int       // heartbeats
	answered int
	named    int  // places that answers named and the device lacked
	awaited  int  // send frames without an answer
	told     bool // to leave
	left     bool // as it was told
	token    renewal
	beat     *time.Timer
	watch    *time.Timer
}

// ClosedError is the close code with which the gateway ended a connection.
type ClosedError struct {
	Code   chat.CloseCode
	Reason string
}

func (e *ClosedError) Error() string { return fmt.Sprintf("closed with %d: %s", e.Code, e.Reason) }

// tap keeps hold of the connection beneath a WebSocket.
type tap struct {
	base http.RoundTripper
	conn io.Closer
}

func (t *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.base.RoundTrip(r)
	if err == nil {
		t.conn = res.Body
	}
	return res, err
}

// dial opens the WebSocket. A refusal before the upgrade is returned as a *chat.Error.
func (c *Client) dial(ctx context.Context, s sessionAnswer) (*link, error) {
	at, err := s.socketURL(c.cfg.EdgeURL)
	if err != nil {
		return nil, fmt.Errorf("dial gateway %s: %w", s.Gateway, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeouts.Request)
	defer cancel()
	base := c.cfg.HTTP.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	t := &tap{base: base}
	ws, res, err := websocket.Dial(ctx, at, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: t},
		HTTPHeader: http.Header{"Authorization": {"Bearer " + s.Ticket}},
	})
	if err != nil {
		if res != nil && res.StatusCode >= 300 && res.Body != nil {
			body, _ := io.ReadAll(res.Body) // held in memory by the library, at most 1 KB
			return nil, fmt.Errorf("dial gateway %s: %w", s.Gateway, refusal(res.StatusCode, body))
		}
		return nil, fmt.Errorf("dial gateway %s: %w", s.Gateway, err)
	}
	ws.SetReadLimit(maxReadBytes)
	return &link{ws: ws, raw: t.conn, done: make(chan struct{}), write: c.cfg.Timeouts.Heartbeat, gateway: s.Gateway}, nil
}

// push queues a frame. It never blocks: a writer runs only while there is something to write.
func (l *link) push(frame []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.outbox = append(l.outbox, frame)
	l.bytes += len(frame)
	if l.bytes > maxOutbox {
		l.failLocked("the gateway takes no frames")
		return
	}
	if !l.writing {
		l.writing = true
		l.writers.Go(l.pump)
	}
}

func (l *link) pump() {
	for {
		l.mu.Lock()
		batch := l.outbox
		l.outbox, l.bytes = nil, 0
		if len(batch) == 0 || l.closed {
			l.writing = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		for _, frame := range batch {
			if err := l.writeFrame(frame); err != nil {
				l.fail(err.Error())
				break
			}
		}
	}
}

func (l *link) writeFrame(frame []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), l.write)
	defer cancel()
	return l.ws.Write(ctx, websocket.MessageText, frame)
}

// fail gives the connection up, unless it is being closed already.
func (l *link) fail(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failLocked(why)
}

func (l *link) failLocked(why string) {
	if l.closed {
		return
	}
	l.closed, l.failure = true, why
	l.raw.Close()
}

// goodbye closes politely, within a bound. What still waits to be written is not.
func (l *link) goodbye(within time.Duration) {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	t := time.AfterFunc(within, func() { l.raw.Close() })
	defer t.Stop()
	l.ws.Close(websocket.StatusNormalClosure, "")
}

// read hands over every frame until the connection ends, and says why it did.
func (l *link) read(handle func(data []byte) error) error {
	for {
		_, r, err := l.ws.Reader(context.Background()) // a context that can end costs allocations; raw ends the read
		if err == nil {
			l.buf, err = readAll(l.buf[:0], r)
		}
		if err != nil {
			return l.why(err)
		}
		if err := handle(l.buf); err != nil {
			return err
		}
	}
}

func (l *link) why(err error) error {
	var ce websocket.CloseError
	if errors.As(err, &ce) {
		return &ClosedError{Code: chat.CloseCode(ce.Code), Reason: ce.Reason}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure != "" {
		return fmt.Errorf("give up connection: %s", l.failure)
	}
	return fmt.Errorf("read connection: %w", err)
}

// end releases what the connection holds.
func (l *link) end() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	close(l.done)
	l.raw.Close()
	l.ws.CloseNow()
	l.writers.Wait()
}

// readAll reads a frame into buf, which begins small and keeps the size that frames need.
func readAll(buf []byte, r io.Reader) ([]byte, error) {
	for {
		if cap(buf)-len(buf) < 512 {
			buf = slices.Grow(buf, max(1024, cap(buf)))
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}
