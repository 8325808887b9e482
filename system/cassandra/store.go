package cassandra

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/gocql/gocql"

	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

// Config says where the cluster is.
type Config struct {
	// Hosts are contact points, IP:port as the nodes announce themselves; Network.Names leads to where they really are.
	Hosts    []string
	Keyspace string
	Replicas int // replication factor when the keyspace is made
	Network  transport.Network
	Log      *slog.Logger
	// Pace is how often a node that is down is dialed again; 1 s when 0.
	Pace time.Duration
	// Counts is told of every statement; nil: nobody counts.
	Counts *Counts
	// DriverDefaults has the driver wait, try again and choose nodes as it would.
	DriverDefaults bool
}

// Store reads and writes at LOCAL_QUORUM.
type Store struct {
	s *gocql.Session
}

// Open connects to an existing keyspace.
func Open(cfg Config) (*Store, error) {
	c := cluster(cfg)
	if cfg.Counts != nil {
		c.QueryObserver, c.BatchObserver = cfg.Counts, cfg.Counts
	}
	return open(cfg, c, gocql.LocalQuorum)
}

// Close ends the session.
func (s *Store) Close() { s.s.Close() }

// cluster holds the settings that the driver's defaults get wrong for a chat system: they notice a frozen node after
// more than a minute, reconnect after another, and know nothing of tokens.
func cluster(cfg Config) *gocql.ClusterConfig {
	c := gocql.NewCluster(cfg.Hosts...)
	c.ProtoVersion = 4
	c.Consistency = gocql.LocalQuorum
	c.Dialer = dialer{cfg.Network}
	c.Logger = log.New(io.Discard, "", 0)
	if cfg.DriverDefaults {
		return c
	}
	rows, reopen := resilience.Rows.Policy(), resilience.ReopenRows.Policy()
	c.Timeout = rows.Timeout
	c.ConnectTimeout = resilience.OpenRows.Timeout()
	c.WriteTimeout = rows.Timeout
	c.ReconnectInterval = cmp.Or(cfg.Pace, reopen.Backoff.Max)
	c.ReconnectionPolicy = &gocql.ConstantReconnectionPolicy{MaxRetries: reopen.Attempts, Interval: reopen.Backoff.First}
	c.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.RoundRobinHostPolicy(), gocql.ShuffleReplicas())
	c.RetryPolicy = &gocql.SimpleRetryPolicy{NumRetries: rows.Attempts - 1} // another host each time; only for idempotent statements
	c.DefaultIdempotence = true                                             // every statement sets keyed values: the same again changes nothing
	c.NumConns = 1
	c.WriteCoalesceWaitTime = 0
	return c
}

// dialer leads the driver to where a node really is, and lets it believe that it reached what it dialed: the driver
// takes the port of the other nodes from the address of the connection it has.
type dialer struct{ n transport.Network }

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.n.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	announced, err := netip.ParseAddrPort(address)
	if err != nil {
		return c, nil // dialed by name: that is where it is
	}
	return announcedConn{c, net.TCPAddrFromAddrPort(announced)}, nil
}

type announcedConn struct {
	net.Conn
	announced *net.TCPAddr
}

func (c announcedConn) RemoteAddr() net.Addr { return c.announced }

// Ready proves the data path with a read at LOCAL_QUORUM.
func (s *Store) Ready(ctx context.Context) error {
	var kind string
	err := s.s.Query(selectConversation, gocql.UUID{}).WithContext(ctx).Scan(&kind, nil, nil, nil)
	if err != nil && !errors.Is(err, gocql.ErrNotFound) {
		return fmt.Errorf("read from cassandra: %w", err)
	}
	return nil
}
