package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

// silence knows which brokers took a connection and then said nothing, as one that is frozen does. The driver's readers
// and members ask the first broker that takes a connection, for ever; what is refused here lets them ask the next.
type silence struct {
	network transport.Network
	meter   *resilience.Meter
	mu      sync.Mutex
	until   map[string]time.Time // by address: when the broker is asked again
}

func newSilence(n transport.Network, m *resilience.Meter) *silence {
	return &silence{network: n, meter: m, until: map[string]time.Time{}}
}

// dial connects to a broker that is not left alone.
func (s *silence) dial(ctx context.Context, network, address string) (*conn, error) {
	s.mu.Lock()
	until := s.until[address]
	s.mu.Unlock()
	if left := time.Until(until); left > 0 {
		return nil, fmt.Errorf("broker %s took a connection and said nothing: it is left alone for %s", address, left.Round(time.Millisecond))
	}
	c, err := s.network.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s.meter.Show(resilience.LogRead, address, gobreaker.StateClosed)
	return &conn{Conn: c, quiet: func() { s.fell(address) }}, nil
}

// dialMember is dial for members of groups, whose every wait the driver bounds.
func (s *silence) dialMember(ctx context.Context, network, address string) (net.Conn, error) {
	return s.dial(ctx, network, address)
}

func (s *silence) fell(address string) {
	s.meter.Show(resilience.LogRead, address, gobreaker.StateOpen)
	s.mu.Lock()
	s.until[address] = time.Now().Add(resilience.LogRead.Policy().Breaker.Open)
	s.mu.Unlock()
}

// conn notes when no byte comes although somebody waits.
type conn struct {
	net.Conn
	quiet    func()        // nothing came for as long as somebody waited
	patience time.Duration // bounds each wait, longer than which the broker is silent; 0: the driver's deadlines do
	timedOut func()        // a wait was in vain, however short; may be nil
	giveUp   func() bool   // the lease; may be nil

	mu    sync.Mutex
	limit time.Time // the driver's
}

func (c *conn) SetDeadline(t time.Time) error {
	c.keep(t)
	return c.Conn.SetDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.keep(t)
	return c.Conn.SetReadDeadline(t)
}

func (c *conn) keep(t time.Time) {
	c.mu.Lock()
	c.limit = t
	c.mu.Unlock()
}

// Read waits for as long as the driver and patience allow: the driver looks up leaders without any limit.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) && c.timedOut != nil {
		c.timedOut()
	}
	return n, err
}

func (c *conn) read(b []byte) (int, error) {
	c.mu.Lock()
	limit, end := c.limit, time.Now().Add(c.patience)
	c.mu.Unlock()
	bounded := c.patience > 0 && (limit.IsZero() || limit.After(end))
	if bounded {
		if err := c.Conn.SetReadDeadline(end); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) && (bounded || c.patience == 0) {
		c.quiet()
	}
	return n, err
}

func (c *conn) Close() error {
	if c.giveUp != nil {
		c.giveUp()
	}
	return c.Conn.Close()
}
