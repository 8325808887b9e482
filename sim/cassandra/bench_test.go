package cassandra_test

import (
	"io"
	"log"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/cassandra"
	system "github.com/chatlab/chatlab/system/cassandra"
)

const writers = 64

// BenchmarkInsert writes 300-byte messages at LOCAL_QUORUM through gocql; allocations are the client's and the server's.
func BenchmarkInsert(b *testing.B) {
	session := open(b, start(b, cassandra.Config{}))
	stmt := system.Statements()[0]
	body := strings.Repeat("x", 300)
	var n atomic.Int64
	each(b, "inserts/s", func() error {
		i := n.Add(1)
		conv := gocql.UUID{1, byte(i), byte(i >> 8)}
		id := gocql.UUIDFromTime(time.Unix(1_700_000_000, i*1000))
		return session.Query(stmt, conv, id, id, conv, body, "text", time.Now(), i, 1, i, id).Exec()
	})
}

// BenchmarkNewest50 reads pages of history at LOCAL_QUORUM through gocql.
func BenchmarkNewest50(b *testing.B) {
	session := open(b, start(b, cassandra.Config{}))
	body := strings.Repeat("x", 300)
	conv := func(i int) gocql.UUID { return gocql.UUID{1, byte(i)} }
	for i := range 100 * 60 {
		id := gocql.UUIDFromTime(time.Unix(1_700_000_000, int64(i)*1000))
		require.NoError(b, session.Query(system.Statements()[0], conv(i%100), id, id, id, body, "text", time.Now(), i, 1, i, id).Exec())
	}
	var n atomic.Int64
	each(b, "reads/s", func() error {
		it := session.Query(system.Statements()[1], conv(int(n.Add(1))%100), 50).Iter()
		rows := it.NumRows()
		if err := it.Close(); err != nil || rows != 50 {
			b.Errorf("%d rows, %v", rows, err)
		}
		return nil
	})
}

func each(b *testing.B, unit string, do func() error) {
	b.ReportAllocs()
	b.SetParallelism(writers / 2)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), unit)
}

func start(t testing.TB, cfg cassandra.Config) *cassandra.Cluster {
	t.Helper()
	c, err := cassandra.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// settings are the system's.
func settings(c *cassandra.Cluster) *gocql.ClusterConfig {
	cfg := gocql.NewCluster(c.Hosts()...)
	cfg.ProtoVersion = 4
	cfg.Consistency = gocql.LocalQuorum
	cfg.Dialer = cassandra.Dialer{Cluster: c}
	cfg.ReconnectInterval = time.Second
	cfg.NumConns = 1
	cfg.WriteCoalesceWaitTime = 0
	cfg.Logger = log.New(io.Discard, "", 0)
	cfg.PoolConfig.HostSelectionPolicy = policy()
	return cfg
}

// open makes the keyspace and the tables of the system and opens a session.
func open(t testing.TB, c *cassandra.Cluster) *gocql.Session {
	t.Helper()
	return openWith(t, settings(c))
}

func openWith(t testing.TB, cfg *gocql.ClusterConfig) *gocql.Session {
	t.Helper()
	first, err := cfg.CreateSession()
	require.NoError(t, err)
	require.NoError(t, first.Query(`CREATE KEYSPACE chat WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}`).Exec())
	first.Close()
	cfg.Keyspace = "chat"
	cfg.PoolConfig.HostSelectionPolicy = policy() // one serves one session
	session, err := cfg.CreateSession()
	require.NoError(t, err)
	t.Cleanup(session.Close)
	for _, q := range system.Tables() {
		require.NoError(t, session.Query(q).Exec())
	}
	return session
}

func policy() gocql.HostSelectionPolicy {
	return gocql.TokenAwareHostPolicy(gocql.RoundRobinHostPolicy())
}
