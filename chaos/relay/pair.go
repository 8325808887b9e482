package relay

import (
	"context"
	"net"
	"sync"
	"time"
)

// pair is one connection through the link: the accepted half, the dialled half and the two streams between them.
type pair struct {
	link    *Link
	ctx     context.Context // done when the connection is over
	cancel  context.CancelFunc
	streams [2]*stream
	running sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

func newPair(l *Link, client net.Conn) *pair {
	p := &pair{link: l, conns: []net.Conn{client}}
	p.ctx, p.cancel = context.WithCancel(l.ctx)
	number := l.enter(p)
	for w := range p.streams {
		p.streams[w] = &stream{pair: p, way: way(w), queue: newQueue(l.config.Seed, number<<1|uint64(w))}
	}
	p.streams[forward].src, p.streams[backward].dst = client, client
	return p
}

// run dials the target and forwards both ways until both have ended. The request to connect takes a forward trip, the answer a
// backward one: From's kernel has answered already, so what From sends waits for that instead.
func (p *pair) run() {
	defer p.close(false)
	there, back := p.streams[forward], p.streams[backward]
	if !there.cross() {
		return
	}
	server, err := p.link.config.Dial(p.ctx, "tcp", p.link.Target())
	if err != nil {
		p.unreachable(err)
		return
	}
	if !p.attach(server) {
		return
	}
	p.running.Go(back.run)
	if back.cross() {
		there.run()
	}
	p.running.Wait()
}

// unreachable resets the client's half when the news that the target cannot be dialled has travelled back.
func (p *pair) unreachable(err error) {
	if p.over() {
		return
	}
	p.link.count.failed.Add(1)
	p.link.config.Logger.Debug("dial target failed", "error", err)
	if p.streams[backward].cross() {
		p.reset()
	}
}

// attach adds the dialled half, unless the connection was reset meanwhile.
func (p *pair) attach(server net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over() {
		breakOff(server)
		return false
	}
	p.conns = append(p.conns, server)
	p.streams[forward].dst, p.streams[backward].src = server, server
	return true
}

// joins tells whether the connection that From dialled at an address has reached the target.
func (p *pair) joins(from string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns) == 2 && p.conns[0].RemoteAddr().String() == from
}

func (p *pair) over() bool { return p.ctx.Err() != nil }

// reset breaks both halves: each end sees a reset, not an orderly end.
func (p *pair) reset() { p.close(true) }

func (p *pair) close(reset bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel()
	for _, conn := range p.conns {
		if reset {
			breakOff(conn)
			continue
		}
		_ = conn.Close()
	}
	p.conns = nil
}

// breakOff closes a connection with a reset, so that its end is not taken for an orderly one.
func breakOff(conn net.Conn) {
	if abrupt, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = abrupt.SetLinger(0)
	}
	_ = conn.Close()
}

// interrupt makes writes that are under way return: their bytes are then held by the cut. A write deadline loses nothing,
// because Write tells how much of the buffer has gone.
func (p *pair) interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.SetWriteDeadline(time.Unix(1, 0))
	}
}
