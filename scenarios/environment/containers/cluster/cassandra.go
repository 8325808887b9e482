package cluster

import (
	"context"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/netip"
	"time"

	"github.com/gocql/gocql"
)

const (
	nodeMemory    = 672 << 20
	probeKeyspace = "chatlab_ready"
)

type nodeConfig struct {
	IP    netip.Addr
	Peers []netip.Addr
	Host  netip.Addr // told to clients
	Token *big.Int
}

// nodes describes three nodes.
func nodes(image string, n *network) (out []*Server, err error) {
	peers := n.addresses(20, 3)
	for i, ip := range peers {
		cfg := nodeConfig{IP: ip, Peers: peers, Host: netip.AddrFrom4([4]byte{10, 77, 0, byte(i + 1)}), Token: token(i, len(peers))}
		s := &Server{
			Kind: Cassandra, Name: fmt.Sprintf("cassandra-%d", i+1), Announced: netip.AddrPortFrom(cfg.Host, 9042).String(),
			ip: ip, image: image, user: "cassandra", port: 9042, memory: nodeMemory,
			command: []string{"/chatlab/start-cassandra.sh"},
			env:     map[string]string{"CASSANDRA_CONF": "/chatlab"},
		}
		if s.files, err = rendered(cfg, "cassandra.yaml", "cassandra-env.sh", "cassandra-rackdc.properties", "logback.xml", "start-cassandra.sh"); err != nil {
			return nil, err
		}
		s.answers = s.nodeAnswers
		out = append(out, s)
	}
	return out, nil
}

// token is where a node's share of the ring, which goes from -2^63 to 2^63, begins.
func token(i, nodes int) *big.Int {
	share := new(big.Int).Div(new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(int64(nodes)))
	from := new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 63))
	return from.Add(from, share.Mul(share, big.NewInt(int64(i))))
}

// nodeAnswers asks one node for its peers: it must know all others.
func (s *Server) nodeAnswers(ctx context.Context, c *Cluster) error {
	session, err := c.session(s)
	if err != nil {
		return err
	}
	defer session.Close()
	var peers int
	if err := session.Query(`SELECT count(*) FROM system.peers_v2`).WithContext(ctx).Scan(&peers); err != nil {
		return err
	}
	if all := len(c.Of(Cassandra)); peers != all-1 {
		return fmt.Errorf("it knows %d of %d peers", peers, all-1)
	}
	return nil
}

// tablesWork makes a keyspace and reads from all replicas.
func (c *Cluster) tablesWork(ctx context.Context) error {
	session, err := c.session(c.Of(Cassandra)...)
	if err != nil {
		return err
	}
	defer session.Close()
	for _, q := range []string{
		`CREATE KEYSPACE IF NOT EXISTS ` + probeKeyspace + ` WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}`,
		`CREATE TABLE IF NOT EXISTS ` + probeKeyspace + `.probe (k int PRIMARY KEY)`,
		`INSERT INTO ` + probeKeyspace + `.probe (k) VALUES (1)`,
	} {
		if err := session.Query(q).WithContext(ctx).Exec(); err != nil {
			return err
		}
	}
	var k int
	return session.Query(`SELECT k FROM ` + probeKeyspace + `.probe WHERE k = 1`).WithContext(ctx).Consistency(gocql.All).Scan(&k)
}

// session opens a session with these nodes and no others.
func (c *Cluster) session(nodes ...*Server) (*gocql.Session, error) {
	var hosts []string
	for _, s := range nodes {
		hosts = append(hosts, s.Announced)
	}
	cfg := gocql.NewCluster(hosts...)
	cfg.ProtoVersion = 4
	cfg.Dialer = Dialer{c}
	cfg.DisableInitialHostLookup = true
	cfg.Consistency = gocql.All
	cfg.Timeout, cfg.ConnectTimeout = 5*time.Second, 2*time.Second
	cfg.NumConns = 1
	cfg.Logger = log.New(io.Discard, "", 0)
	return cfg.CreateSession()
}
