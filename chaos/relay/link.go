// Package relay forwards TCP between two named ends and injects, and surely undoes, network faults on the way.
package relay

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/chatlab/chatlab/chaos/port"
)

// Config describes one link. The zero values of Address, Listen, Dial and Logger are useful.
type Config struct {
	// From names the end that dials.
	From string
	// To names the end that is dialled.
	To string
	// Target is the address of To; SetTarget changes it.
	Target string
	// Address is where the link listens, 127.0.0.1:0 when empty. A port, once chosen, stays for the link's life.
	Address string
	// Listen opens the link's entrance; nil means real TCP.
	Listen func(network, address string) (net.Listener, error)
	// Dial reaches the target; nil means real TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Seed decides the jitter of every connection.
	Seed uint64
	// Logger gets debug lines about connections that fail; nil means silence.
	Logger *slog.Logger
}

// Link is a relay from one named end to another. Its methods may be called from any goroutine.
type Link struct {
	// From names the end that dials.
	From string
	// To names the end that is dialled.
	To string

	config Config
	target atomic.Pointer[string]
	now    atomic.Pointer[conditions]
	lanes  [2]lane
	count  counters

	setting sync.Mutex // held while faults and the door change, so that both agree
	own     Fault      // what the Set methods, Cut and Refuse made
	imposed []*Fault
	door    *door

	mu      sync.Mutex
	pairs   map[*pair]struct{}
	dials   uint64 // connections accepted so far: numbers the streams for their jitter
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// New opens a link: it listens at once, and dials the target once for each connection that it accepts.
func New(config Config) (*Link, error) {
	config = config.withDefaults()
	l := &Link{From: config.From, To: config.To, config: config, pairs: map[*pair]struct{}{}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.now.Store(newConditions(Fault{}))
	l.SetTarget(config.Target)
	entrance, err := openDoor(config, l.accepted)
	if err != nil {
		l.cancel()
		return nil, fmt.Errorf("open link %s->%s: %w", config.From, config.To, err)
	}
	l.door = entrance
	return l, nil
}

func (c Config) withDefaults() Config {
	if c.Address == "" {
		c.Address = "127.0.0.1:0"
	}
	if c.Listen == nil {
		c.Listen = port.Listen
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("from", c.From, "to", c.To)
	return c
}

// Addr is where From dials; it stays the same for the link's life, through every fault.
func (l *Link) Addr() string { return l.door.address }

// Target is the address that new connections are forwarded to.
func (l *Link) Target() string { return *l.target.Load() }

// SetTarget forwards new connections to another address; living ones stay where they are.
func (l *Link) SetTarget(address string) { l.target.Store(&address) }

// ResetAll breaks every living connection at both ends at once, as a crash of the path would.
func (l *Link) ResetAll() {
	for _, p := range l.living() {
		p.reset()
	}
}

// Close stops listening, resets every connection and returns when all goroutines of the link have ended.
func (l *Link) Close() error {
	l.cancel()
	l.setting.Lock()
	err := l.door.close()
	l.setting.Unlock()
	l.ResetAll()
	l.running.Wait()
	if err != nil {
		return fmt.Errorf("close link %s->%s: %w", l.From, l.To, err)
	}
	return nil
}

// accepted takes a new connection from the door.
func (l *Link) accepted(client net.Conn) {
	p := newPair(l, client)
	l.count.accepted.Add(1)
	l.running.Go(func() {
		defer l.forget(p)
		p.run()
	})
}

// enter numbers a pair and makes it known to ResetAll and Cut.
func (l *Link) enter(p *pair) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pairs[p] = struct{}{}
	l.dials++
	return l.dials
}

func (l *Link) forget(p *pair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pairs, p)
}

func (l *Link) living() []*pair {
	l.mu.Lock()
	defer l.mu.Unlock()
	pairs := make([]*pair, 0, len(l.pairs))
	for p := range l.pairs {
		pairs = append(pairs, p)
	}
	return pairs
}
