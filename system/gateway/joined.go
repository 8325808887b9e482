package gateway

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// joined is the connection beneath a WebSocket. While a batch is open, what the WebSocket writes is collected; flush
// then writes it at once. Outside a batch a write goes straight through: those are the library's own control frames.
type joined struct {
	net.Conn
	early   []byte // that the HTTP server read beyond the upgrade
	onRead  func() // the device gave a sign of life
	timeout time.Duration

	mu       sync.Mutex
	batch    *bytes.Buffer // nil: none is open
	writing  chan struct{} // a slot, held while Conn is written to
	deadline time.Time     // as it is set on Conn, under writing
}

func (j *joined) Read(p []byte) (int, error) {
	if len(j.early) > 0 {
		n := copy(p, j.early)
		if j.early = j.early[n:]; len(j.early) == 0 {
			j.early = nil
		}
		return n, nil
	}
	n, err := j.Conn.Read(p)
	if n > 0 {
		j.onRead()
	}
	return n, err
}

func (j *joined) Write(p []byte) (int, error) {
	if j.collect(p) {
		return len(p), nil
	}
	return j.write(p)
}

func (j *joined) collect(p []byte) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.batch == nil {
		return false
	}
	j.batch.Write(p)
	return true
}

// open begins a batch in an empty buffer.
func (j *joined) open(b *bytes.Buffer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.batch = b
}

// flush closes the batch and writes it.
func (j *joined) flush() error {
	j.mu.Lock()
	b := j.batch
	j.batch = nil
	j.mu.Unlock()
	if b.Len() == 0 {
		return nil
	}
	_, err := j.write(b.Bytes())
	b.Reset()
	return err
}

// write bounds the time of a write. Moving a deadline costs, so it is moved only when a tenth of it has passed.
func (j *joined) write(p []byte) (int, error) {
	j.writing <- struct{}{}
	defer func() { <-j.writing }()
	if end := time.Now().Add(j.timeout); end.Sub(j.deadline) > j.timeout/10 {
		if err := j.Conn.SetWriteDeadline(end); err != nil {
			return 0, err
		}
		j.deadline = end
	}
	return j.Conn.Write(p)
}
