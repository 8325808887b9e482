//go:build containers

package cluster_test

import (
	"io"
	"log"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/environment/containers/cluster"
)

// A wire that is cut is one direction between two servers, and no other.
func TestAWireThatIsCut(t *testing.T) {
	for _, q := range []string{
		`CREATE KEYSPACE IF NOT EXISTS wires WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}`,
		`CREATE TABLE IF NOT EXISTS wires.rows (k int PRIMARY KEY)`,
	} {
		require.NoError(t, coordinator(t, "cassandra-1").Query(q).Exec())
	}
	everybody := func(session *gocql.Session) error {
		return session.Query(`INSERT INTO wires.rows (k) VALUES (1)`).Exec()
	}
	first, third := coordinator(t, "cassandra-1"), coordinator(t, "cassandra-3")
	require.NoError(t, everybody(first), "each replica takes the row")

	wire := cluster.Wire{From: "cassandra-1", To: "cassandra-2"}
	require.NoError(t, servers.Cut(t.Context(), wire))
	require.NoError(t, servers.Cut(t.Context(), wire))
	mended := false
	t.Cleanup(func() {
		if !mended {
			t.Log(servers.Mend(t.Context(), wire))
		}
	})
	require.Error(t, everybody(first), "one cannot be reached")
	require.NoError(t, everybody(third), "others reach all")

	require.NoError(t, servers.Mend(t.Context(), wire))
	require.Error(t, everybody(first), "it was cut twice")
	require.NoError(t, servers.Mend(t.Context(), wire))
	mended = true
	require.Eventually(t, func() bool { return everybody(first) == nil }, time.Minute, time.Second, "the way is open again")
}

// coordinator is a session with one node, which asks all replicas.
func coordinator(t *testing.T, name string) *gocql.Session {
	for _, s := range servers.Of(cluster.Cassandra) {
		if s.Name != name {
			continue
		}
		cfg := gocql.NewCluster(s.Announced)
		cfg.ProtoVersion, cfg.NumConns, cfg.DisableInitialHostLookup = 4, 1, true
		cfg.Consistency, cfg.Timeout, cfg.ConnectTimeout = gocql.All, 4*time.Second, 4*time.Second
		cfg.Dialer, cfg.Logger = cluster.Dialer{Cluster: servers}, log.New(io.Discard, "", 0)
		session, err := cfg.CreateSession()
		require.NoError(t, err)
		t.Cleanup(session.Close)
		return session
	}
	t.Fatalf("there is no %s", name)
	return nil
}
