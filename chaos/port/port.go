// Package port listens at one address for life: the listener can be taken down with all its connections, and comes back at the same address.
package port

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Config says where and how a port listens.
type Config struct {
	// Address is where to listen, 127.0.0.1:0 when empty. A port number, once chosen, stays.
	Address string
	// Announced is what Addr tells; nil means where the port really listens.
	Announced net.Addr
	// Listen opens the listener; nil means real TCP.
	Listen func(network, address string) (net.Listener, error)
}

// Port is a net.Listener that survives being down: Accept waits meanwhile.
type Port struct {
	config   Config
	address  string
	accepted chan net.Conn
	closed   chan struct{}

	mu       sync.Mutex
	over     bool
	listener net.Listener // nil while down
	release  func()       // gives up the address, kept while down
	conns    map[*tracked]struct{}
	running  sync.WaitGroup
	frost    Frost
}

// Open listens.
func Open(config Config) (*Port, error) {
	if config.Address == "" {
		config.Address = "127.0.0.1:0"
	}
	if config.Listen == nil {
		config.Listen = Listen
	}
	p := &Port{
		config:   config,
		address:  config.Address,
		accepted: make(chan net.Conn),
		closed:   make(chan struct{}),
		conns:    map[*tracked]struct{}{},
	}
	if err := p.Up(); err != nil {
		return nil, err
	}
	return p, nil
}

// Address is where the port listens, whatever it announces.
func (p *Port) Address() string { return p.address }

// Addr is the announced address.
func (p *Port) Addr() net.Addr {
	if p.config.Announced != nil {
		return p.config.Announced
	}
	address, err := net.ResolveTCPAddr("tcp", p.address)
	if err != nil {
		return &net.TCPAddr{}
	}
	return address
}

// Up listens again. A port that is up stays so.
func (p *Port) Up() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return net.ErrClosed
	}
	if p.listener != nil {
		return nil
	}
	listener, err := p.config.Listen("tcp", p.address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", p.address, err)
	}
	if p.release != nil {
		p.release()
		p.release = nil
	}
	p.listener, p.address = listener, listener.Addr().String()
	p.running.Go(func() { p.accept(listener) })
	return nil
}

// Down closes the listener and every connection, as the death of a process does: dials are refused until Up.
func (p *Port) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		return
	}
	p.release = Claim(p.listener)
	p.shut()
	p.frost.Thaw() // who comes back is another
}

// shut closes what is open. The caller holds the lock.
func (p *Port) shut() {
	_ = p.listener.Close()
	p.listener = nil
	for conn := range p.conns {
		_ = conn.Conn.Close()
	}
	clear(p.conns)
}

// Freeze makes the port that of a stopped process: connections live and dials succeed, but nothing is read or answered until Thaw or
// Down.
func (p *Port) Freeze() { p.frost.Freeze() }

// Thaw ends a freeze.
func (p *Port) Thaw() { p.frost.Thaw() }

// Living is the number of open connections.
func (p *Port) Living() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// Accept waits for a connection, through times when the port is down, until Close.
func (p *Port) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Session is a listener on the port whose Close leaves the port as it is, for servers that end and are made anew.
func (p *Port) Session() net.Listener {
	return &session{Port: p, ended: make(chan struct{})}
}

type session struct {
	*Port
	once  sync.Once
	ended chan struct{}
}

func (s *session) Accept() (net.Conn, error) {
	select {
	case conn := <-s.accepted:
		return conn, nil
	case <-s.closed:
	case <-s.ended:
	}
	return nil, net.ErrClosed
}

func (s *session) Close() error {
	s.once.Do(func() { close(s.ended) })
	return nil
}

// Close ends the port and its connections and returns when its goroutines have ended.
func (p *Port) Close() error {
	p.mu.Lock()
	if !p.over {
		p.over = true
		close(p.closed)
		if p.listener != nil {
			p.shut()
		}
		if p.release != nil {
			p.release()
		}
	}
	p.mu.Unlock()
	p.running.Wait()
	return nil
}

func (p *Port) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // no descriptors left, for instance: passes with time
			if !p.rest() {
				return
			}
		default:
			p.hand(listener, conn)
		}
	}
}

// hand passes a connection to Accept, unless the listener it came from went down meanwhile.
func (p *Port) hand(from net.Listener, conn net.Conn) {
	t := &tracked{Conn: p.frost.Conn(conn), port: p}
	p.mu.Lock()
	down := p.listener != from
	if !down {
		p.conns[t] = struct{}{}
	}
	p.mu.Unlock()
	if down {
		_ = conn.Close()
		return
	}
	select {
	case p.accepted <- t:
	case <-p.closed:
		_ = t.Close()
	}
}

func (p *Port) rest() bool {
	timer := time.NewTimer(50 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.closed:
		return false
	}
}

// tracked is a connection that its port knows as long as it is open.
type tracked struct {
	net.Conn
	port *Port
}

func (t *tracked) Close() error {
	t.port.mu.Lock()
	delete(t.port.conns, t)
	t.port.mu.Unlock()
	return t.Conn.Close()
}
