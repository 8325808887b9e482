package conformance

import (
	"errors"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/stretchr/testify/require"
)

// stop stops a node until the check ends or start is called. After both the suite has a fresh session, so that no
// connection that is dying answers a check.
func (s *suite) stop(t *testing.T, node int) (start func()) {
	t.Helper()
	down := true
	restart := func() {
		if down {
			down = false
			s.target.Start(t, node)
		}
	}
	t.Cleanup(restart)
	s.target.Stop(t, node)
	s.Session = s.connect(t, nil)
	return func() {
		restart()
		s.Session = s.connect(t, nil)
	}
}

// works waits until the coordinators see enough replicas for a level.
func (s *suite) works(t *testing.T, level gocql.Consistency) {
	t.Helper()
	require.Eventually(t, func() bool {
		err := s.Query(selectTitle, key()).Consistency(level).Exec()
		return err == nil || errors.Is(err, gocql.ErrNotFound)
	}, 30*time.Second, 50*time.Millisecond)
}

func (s *suite) oneDown(t *testing.T) {
	start := s.stop(t, 0)
	for range 20 {
		conv := key()
		s.exec(t, setTitle, conv, "written", 1000)
		require.Equal(t, []string{"written"}, s.title(t, conv))
	}
	start()
	s.works(t, gocql.All)
}

func (s *suite) unavailable(t *testing.T) {
	start := s.stop(t, 1)
	conv := key()
	var u *gocql.RequestErrUnavailable
	require.ErrorAs(t, s.Query(setTitle, conv, "x", 1).Consistency(gocql.All).Exec(), &u)
	require.Equal(t, []int{3, 2}, []int{u.Required, u.Alive})
	require.Equal(t, gocql.All, u.Consistency)
	startToo := s.stop(t, 2)
	require.ErrorAs(t, s.Query(setTitle, conv, "x", 1).Exec(), &u)
	require.Equal(t, []int{2, 1}, []int{u.Required, u.Alive})
	require.Equal(t, gocql.LocalQuorum, u.Consistency)
	require.ErrorAs(t, s.Query(selectTitle, conv).Consistency(gocql.Quorum).Exec(), &u)
	require.ErrorAs(t, s.Query(`SELECT count(*) FROM messages WHERE conversation_id = ?`, conv).Consistency(gocql.Two).Exec(), &u)
	b := s.NewBatch(gocql.UnloggedBatch)
	b.Query(setTitle, conv, "x", 1)
	require.ErrorAs(t, s.ExecuteBatch(b), &u)
	require.NoError(t, s.Query(setTitle, conv, "one", 2).Consistency(gocql.One).Exec())
	require.Equal(t, []string{"one"}, column[string](t, s.Query(selectTitle, conv).Consistency(gocql.LocalOne)))
	start()
	s.works(t, gocql.LocalQuorum)
	require.NoError(t, s.Query(setTitle, conv, "quorum", 3).Exec())
	startToo()
	s.works(t, gocql.All)
}

// missedWrites lets each node miss a write in turn: any two together know everything.
func (s *suite) missedWrites(t *testing.T) {
	conv, at := s.conversation(t, 30)
	for node := range 3 {
		start := s.stop(t, node)
		s.works(t, gocql.Two)
		for i := node; i < len(at); i += 3 {
			s.exec(t, `UPDATE messages SET seq = ? WHERE conversation_id = ? AND timestamp = ?`, int64(i+1001), conv, at[i])
		}
		start()
		s.works(t, gocql.All)
	}
	for range 6 { // from every coordinator
		got := column[int64](t, s.Query(`SELECT seq FROM messages WHERE conversation_id = ?`, conv).PageSize(7))
		require.Equal(t, seqs(1030, -1, 30), got)
	}
	column[int64](t, s.Query(`SELECT seq FROM messages WHERE conversation_id = ?`, conv).Consistency(gocql.All))
	for range 6 {
		got := column[int64](t, s.Query(`SELECT seq FROM messages WHERE conversation_id = ?`, conv).Consistency(gocql.One))
		require.Equal(t, seqs(1030, -1, 30), got, "a read of all replicas repaired them")
	}
}

func (s *suite) missedDeletes(t *testing.T) {
	conv, at := s.conversation(t, 30)
	k := key().String()
	s.exec(t, assign, 1000, []int{1, 2, 3}, k)
	start := s.stop(t, 2)
	s.works(t, gocql.Two)
	for i := 5; i < 25; i++ {
		s.exec(t, `DELETE FROM messages WHERE conversation_id = ? AND timestamp = ?`, conv, at[i])
	}
	s.exec(t, takeFrom, 2000, []int{2}, k)
	s.exec(t, addTo, 2000, []int{4}, k)
	start()
	s.works(t, gocql.All)
	for range 6 {
		got := column[int64](t, s.Query(`SELECT seq FROM messages WHERE conversation_id = ? LIMIT 7`, conv))
		require.Equal(t, []int64{30, 29, 28, 27, 26, 5, 4}, got)
		got = column[int64](t, s.Query(`SELECT seq FROM messages WHERE conversation_id = ?`, conv).PageSize(3))
		require.Equal(t, []int64{30, 29, 28, 27, 26, 5, 4, 3, 2, 1}, got)
		require.Equal(t, [][]int{{1, 3, 4}}, s.set(t, k))
	}
}

// reconnect asks for all replicas through the node that was away: only a connection to it serves that.
func (s *suite) reconnect(t *testing.T) {
	start := s.stop(t, 0)
	session := s.connect(t, func(c *gocql.ClusterConfig) { c.RetryPolicy = nil })
	served := func() map[string]bool {
		hosts := map[string]bool{}
		for range 12 {
			it := session.Query(`SELECT host_id FROM system.local`).Iter()
			var id gocql.UUID
			if it.Scan(&id); it.Close() == nil {
				hosts[id.String()] = true
			}
		}
		return hosts
	}
	require.Eventually(t, func() bool { return len(served()) == 2 }, 10*time.Second, 20*time.Millisecond)
	began := time.Now()
	start()
	require.Eventually(t, func() bool { return len(served()) == 3 }, 20*time.Second, 20*time.Millisecond)
	t.Logf("the session used the node again after %s", time.Since(began).Round(time.Millisecond))
}
