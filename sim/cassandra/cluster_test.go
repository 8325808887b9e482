package cassandra_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/cassandra"
)

const insert = `INSERT INTO conversations (conversation_id, type, participants) VALUES (?, ?, ?)`

func TestStopClosesEverythingAtOnce(t *testing.T) {
	c := start(t, cassandra.Config{})
	address := c.Addr("cassandra-1")
	nc, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer nc.Close()
	_, err = nc.Write([]byte{4, 0, 0, 0, 5, 0, 0, 0, 0})
	require.NoError(t, err)
	_, err = io.ReadFull(nc, make([]byte, 9))
	require.NoError(t, err)

	require.NoError(t, c.Stop("cassandra-1"))
	_, err = io.ReadAll(nc)
	if err != nil {
		require.NotErrorIs(t, err, net.ErrClosed)
	}
	_, err = net.Dial("tcp", address)
	require.Error(t, err)
	require.NoError(t, c.Stop("cassandra-1"), "a stopped node is left alone")
	require.Equal(t, address, c.Addr("cassandra-1"))

	require.NoError(t, c.Start("cassandra-1"))
	require.NoError(t, c.Start("cassandra-1"), "a running node is left alone")
	again, err := net.Dial("tcp", address)
	require.NoError(t, err)
	again.Close()
	require.Error(t, c.Stop("cassandra-9"))
	require.Error(t, c.Start("cassandra-9"))
	require.Empty(t, c.Addr("cassandra-9"))
}

// TestReplicasAreHonest reads each replica alone: the one that was away lacks what was written meanwhile, until a read
// of all replicas repairs it.
func TestReplicasAreHonest(t *testing.T) {
	c := start(t, cassandra.Config{})
	session := open(t, c)
	conv, member := gocql.MustRandomUUID(), gocql.MustRandomUUID()
	rows := func(node string) []cassandra.Row {
		got, err := c.Rows(node, "chat", "conversations")
		require.NoError(t, err)
		return got
	}
	want := []cassandra.Row{{"conversation_id": uuid.UUID(conv), "type": "group", "participants": []any{uuid.UUID(member)}}}
	require.NoError(t, c.Stop("cassandra-3"))
	require.Eventually(t, func() bool {
		return session.Query(insert, conv, "group", []gocql.UUID{member}).Idempotent(true).Exec() == nil
	}, 5*time.Second, 10*time.Millisecond)
	require.Equal(t, want, rows("cassandra-1"))
	require.Equal(t, want, rows("cassandra-2"))
	require.Empty(t, rows("cassandra-3"))
	require.NoError(t, c.Start("cassandra-3"))
	require.Empty(t, rows("cassandra-3"), "hints are not kept")
	require.Eventually(t, func() bool {
		return session.Query(`SELECT type FROM conversations WHERE conversation_id = ?`, conv).Consistency(gocql.All).Exec() == nil
	}, 5*time.Second, 10*time.Millisecond)
	require.Equal(t, want, rows("cassandra-3"))

	_, err := c.Rows("cassandra-9", "chat", "conversations")
	require.Error(t, err)
	_, err = c.Rows("cassandra-1", "chat", "nothing")
	require.Error(t, err)
	_, err = c.Rows("cassandra-1", "system", "local")
	require.Error(t, err)
}

// TestOneReplicaEach spreads partitions: with a replication factor of one, each is on one node only.
func TestOneReplicaEach(t *testing.T) {
	c := start(t, cassandra.Config{Nodes: cassandra.Nodes(5)})
	session := open(t, c)
	require.NoError(t, session.Query(`CREATE KEYSPACE thin WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 1}`).Exec())
	require.NoError(t, session.Query(`CREATE TABLE thin.t (k int PRIMARY KEY, v text)`).Exec())
	for k := range 200 {
		require.NoError(t, session.Query(`INSERT INTO thin.t (k, v) VALUES (?, 'x')`, k).Consistency(gocql.All).Exec())
	}
	seen := map[any]bool{}
	for _, name := range c.Names() {
		rows, err := c.Rows(name, "thin", "t")
		require.NoError(t, err)
		require.Greater(t, len(rows), 10, "%s holds its part", name)
		for _, r := range rows {
			require.False(t, seen[r["k"]], "%v is on two nodes", r)
			seen[r["k"]] = true
		}
	}
	require.Len(t, seen, 200)
	for k := range 200 {
		require.NoError(t, session.Query(`SELECT v FROM thin.t WHERE k = ?`, k).Scan(new(string)))
	}
}

func TestStats(t *testing.T) {
	c := start(t, cassandra.Config{})
	session := open(t, c)
	conv := gocql.MustRandomUUID()
	const read = `SELECT type FROM conversations WHERE conversation_id = ?`
	for range 3 {
		require.NoError(t, session.Query(insert, conv, "group", nil).Exec())
	}
	b := session.NewBatch(gocql.UnloggedBatch)
	b.Query(insert, conv, "a", nil)
	b.Query(insert, conv, "b", nil)
	require.NoError(t, session.ExecuteBatch(b))
	require.NoError(t, session.Query(read, conv).Scan(new(string)))
	require.ErrorIs(t, session.Query(read, gocql.MustRandomUUID()).Scan(new(string)), gocql.ErrNotFound)
	require.Error(t, session.Query(read, conv).Consistency(gocql.Any).Exec())
	stats := c.Stats()
	require.Equal(t, cassandra.TableStats{Reads: 3, Writes: 5, RowsRead: 1, Refused: 1}, stats.Tables["chat.conversations"])
	require.Equal(t, map[string]int64{insert: 5, read: 3}, stats.Statements)
}

// TestTruncateNeedsAllNodes as in Cassandra: one that is away would bring the rows back.
func TestTruncateNeedsAllNodes(t *testing.T) {
	c := start(t, cassandra.Config{})
	session := open(t, c)
	require.NoError(t, session.Query(insert, gocql.MustRandomUUID(), "group", nil).Exec())
	require.NoError(t, session.Query(`TRUNCATE conversations`).Exec())
	rows, err := c.Rows("cassandra-1", "chat", "conversations")
	require.NoError(t, err)
	require.Empty(t, rows)
	require.NoError(t, c.Stop("cassandra-2"))
	require.Eventually(t, func() bool {
		err := session.Query(`TRUNCATE conversations`).Exec()
		var unavailable *gocql.RequestErrUnavailable
		return errors.As(err, &unavailable)
	}, 5*time.Second, 10*time.Millisecond)
}

func TestConfig(t *testing.T) {
	for _, nodes := range [][]cassandra.Node{
		{{Name: "a"}}, {{IP: cassandra.Nodes(1)[0].IP}}, append(cassandra.Nodes(2), cassandra.Nodes(1)...), cassandra.Nodes(101),
	} {
		_, err := cassandra.New(cassandra.Config{Nodes: nodes})
		require.Error(t, err)
	}
	_, err := cassandra.New(cassandra.Config{Listen: func(string, string) (net.Listener, error) { return nil, io.ErrUnexpectedEOF }})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// TestFrozenNode accepts and never answers, misses what is written meanwhile, and goes on where it was.
func TestFrozenNode(t *testing.T) {
	c := start(t, cassandra.Config{})
	cfg := settings(c)
	cfg.Timeout = 500 * time.Millisecond // the driver's own is 11 s
	session := openWith(t, cfg)
	require.NoError(t, c.Freeze("cassandra-1"))
	require.NoError(t, c.Freeze("cassandra-1"))
	nc, err := net.Dial("tcp", c.Addr("cassandra-1"))
	require.NoError(t, err)
	defer nc.Close()
	_, err = nc.Write([]byte{4, 0, 0, 0, 5, 0, 0, 0, 0})
	require.NoError(t, err)
	require.NoError(t, nc.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	_, err = nc.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Eventually(t, func() bool {
		return session.Query(insert, gocql.MustRandomUUID(), "group", nil).Idempotent(true).Exec() == nil
	}, 20*time.Second, time.Millisecond, "a quorum is left")

	require.NoError(t, c.Thaw("cassandra-1"))
	require.NoError(t, c.Thaw("cassandra-1"))
	require.NoError(t, nc.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = io.ReadFull(nc, make([]byte, 9))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return session.Query(`SELECT type FROM conversations WHERE conversation_id = ?`, gocql.MustRandomUUID()).Consistency(gocql.All).Exec() == nil
	}, 20*time.Second, time.Millisecond, "its replica takes part again")

	require.NoError(t, c.Freeze("cassandra-1"))
	require.NoError(t, c.Stop("cassandra-1"))
	require.NoError(t, c.Start("cassandra-1"))
	require.NoError(t, c.Thaw("cassandra-1"))
	again, err := net.Dial("tcp", c.Addr("cassandra-1"))
	require.NoError(t, err)
	defer again.Close()
	_, err = again.Write([]byte{4, 0, 0, 0, 5, 0, 0, 0, 0})
	require.NoError(t, err)
	_, err = io.ReadFull(again, make([]byte, 9))
	require.NoError(t, err, "who is stopped while frozen comes back awake")
	require.Error(t, c.Freeze("cassandra-9"))
	require.Error(t, c.Thaw("cassandra-9"))
}
