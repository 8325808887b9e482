// Package conformance holds a Cassandra server against what the chat system relies on: it runs unchanged against the
// stand-in and against real servers.
package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/cassandra"
)

// Target is a server under test.
type Target struct {
	// Connect makes the settings of a session: contact points, and a dialer if the nodes announce addresses that lead
	// nowhere. The suite sets the rest.
	Connect func(t *testing.T) *gocql.ClusterConfig
	// Advance moves the servers' clock; nil where only time itself does.
	Advance func(d time.Duration)
	// Stop and Start kill a node and bring it back with its data; nil where the test cannot.
	Stop, Start func(t *testing.T, node int)
}

// Keyspace is the keyspace that the suite makes and leaves behind; every check uses keys of its own in it.
const Keyspace = "chatlab_conformance"

// Run runs the suite.
func Run(t *testing.T, target Target) {
	s := &suite{target: target}
	s.migrate(t)
	s.Session = s.connect(t, nil)
	for _, c := range s.checks() {
		t.Run(c.name, func(t *testing.T) { c.run(t) })
	}
	if target.Stop == nil {
		t.Log("this server's nodes cannot be stopped from here: checks of node loss are left out")
		return
	}
	for _, c := range s.nodeChecks() {
		t.Run(c.name, func(t *testing.T) {
			s.Session = s.connect(t, nil)
			c.run(t)
		})
	}
}

type check struct {
	name string
	run  func(t *testing.T)
}

func (s *suite) checks() []check {
	return []check{
		{"a session opens at once and knows the schema", s.schema},
		{"every statement of the system is prepared and executed", s.statements},
		{"a partition is read page by page", s.pages},
		{"a page state goes on where LIMIT still counts", s.pageState},
		{"ranges of a clustering column, both ways", s.ranges},
		{"count", s.count},
		{"TIMEUUIDs of one tick are ordered by signed bytes", s.timeUUIDOrder},
		{"UUIDs are ordered by version, time and bytes", s.uuidOrder},
		{"values of all types come back", s.types},
		{"the write with the later timestamp wins", s.lastWriteWins},
		{"of two writes with one timestamp the greater value wins", s.ties},
		{"a deleted row shadows older writes only", s.tombstone},
		{"null deletes a cell, unset leaves it", s.nullAndUnset},
		{"a row lives by its marker or a cell", s.marker},
		{"a TTL ends a row, and a cell", s.ttl},
		{"sets are added to, taken from and assigned", s.sets},
		{"elements of a set are written each for itself", s.setElements},
		{"a batch writes one partition", s.batch},
		{"mistakes get their errors", s.mistakes},
		{"a reserved word is a name in quotes only", s.reservedWords},
		{"what exists already is not made again", s.exists},
		{"a table with rows gets more columns", s.alter},
	}
}

func (s *suite) nodeChecks() []check {
	return []check{
		{"a quorum works with one node down", s.oneDown},
		{"too few replicas are told as unavailable", s.unavailable},
		{"a quorum merges what a node missed, and repairs it", s.missedWrites},
		{"deletions and sets survive a node's absence", s.missedDeletes},
		{"a session uses a node again soon after it came back", s.reconnect},
	}
}

// suite shares one session among the checks that leave the nodes alone.
type suite struct {
	*gocql.Session
	target   Target
	replicas int
}

// connect opens a session as the system does.
func (s *suite) connect(t *testing.T, change func(*gocql.ClusterConfig)) *gocql.Session {
	t.Helper()
	c := s.target.Connect(t)
	c.ProtoVersion = 4
	c.Keyspace = Keyspace
	c.Consistency = gocql.LocalQuorum
	c.Timeout, c.ConnectTimeout = 10*time.Second, 5*time.Second
	c.ReconnectInterval = time.Second
	c.DefaultIdempotence = true
	c.RetryPolicy = &gocql.SimpleRetryPolicy{NumRetries: 2}
	c.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.RoundRobinHostPolicy())
	if change != nil {
		change(c)
	}
	session, err := c.CreateSession()
	require.NoError(t, err)
	t.Cleanup(session.Close)
	return session
}

// migrate makes the keyspace, the system's tables and one with a key of several columns.
func (s *suite) migrate(t *testing.T) {
	session := s.connect(t, func(c *gocql.ClusterConfig) { c.Keyspace = "" })
	var peers int
	require.NoError(t, session.Query(`SELECT count(*) FROM system.peers`).Scan(&peers))
	s.replicas = min(3, 1+peers)
	require.NoError(t, session.Query(fmt.Sprintf(
		`CREATE KEYSPACE IF NOT EXISTS %s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': %d}`, Keyspace, s.replicas)).Exec())
	session = s.connect(t, nil)
	for _, q := range append(cassandra.Tables(), createMany, createKinds) {
		require.NoError(t, session.Query(q).Exec())
	}
}

const (
	createMany = `CREATE TABLE IF NOT EXISTS many (
		a text, b int, c bigint, d text, v text, PRIMARY KEY ((a, b), c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC)`

	createKinds = `CREATE TABLE IF NOT EXISTS kinds (
		k text PRIMARY KEY, a ascii, b blob, f float, g double, i int, l bigint, s smallint, y tinyint, o boolean,
		t timestamp, u uuid, tu timeuuid, x text, si set<int>, sx set<text>)`
)

// exec runs a statement that must succeed.
func (s *suite) exec(t *testing.T, stmt string, values ...any) {
	t.Helper()
	require.NoError(t, s.Query(stmt, values...).Exec(), stmt)
}

// column reads a column of type T from all rows of a query.
func column[T any](t *testing.T, q *gocql.Query) []T {
	t.Helper()
	it := q.Iter()
	var out []T
	var v T
	for it.Scan(&v) {
		out = append(out, v)
	}
	require.NoError(t, it.Close())
	return out
}

// key makes a key that no other check or run uses.
func key() gocql.UUID { return gocql.MustRandomUUID() }
