package conformance

import (
	"testing"

	"github.com/gocql/gocql"
	"github.com/stretchr/testify/require"
)

const (
	addTo    = `UPDATE kinds USING TIMESTAMP ? SET si = si + ? WHERE k = ?`
	takeFrom = `UPDATE kinds USING TIMESTAMP ? SET si = si - ? WHERE k = ?`
	assign   = `UPDATE kinds USING TIMESTAMP ? SET si = ? WHERE k = ?`
)

func (s *suite) set(t *testing.T, k string) [][]int {
	t.Helper()
	it := s.Query(`SELECT si FROM kinds WHERE k = ?`, k).Iter()
	var out [][]int
	for range it.NumRows() {
		var v []int
		require.True(t, it.Scan(&v))
		out = append(out, v)
	}
	require.NoError(t, it.Close())
	return out
}

func (s *suite) sets(t *testing.T) {
	k := key().String()
	s.exec(t, `INSERT INTO kinds (k, si) VALUES (?, ?) USING TIMESTAMP 1000`, k, []int{5, -5})
	s.exec(t, addTo, 2000, []int{7, 5}, k)
	require.Equal(t, [][]int{{-5, 5, 7}}, s.set(t, k))
	s.exec(t, takeFrom, 3000, []int{-5, 99}, k)
	require.Equal(t, [][]int{{5, 7}}, s.set(t, k))
	s.exec(t, assign, 4000, []int{1}, k)
	require.Equal(t, [][]int{{1}}, s.set(t, k))
	s.exec(t, assign, 5000, []int{}, k)
	require.Equal(t, [][]int{nil}, s.set(t, k), "an empty set is none, and the marker keeps the row")
	s.exec(t, addTo, 6000, []int{3}, k)
	s.exec(t, assign, 7000, nil, k)
	require.Equal(t, [][]int{nil}, s.set(t, k))
	s.exec(t, `UPDATE kinds USING TIMESTAMP 8000 SET sx = sx + {'b', 'a'}, si = si + {4} WHERE k = ?`, k)
	require.Equal(t, [][]int{{4}}, s.set(t, k))
}

// setElements writes out of order: each element is decided by its own timestamps.
func (s *suite) setElements(t *testing.T) {
	k := key().String()
	s.exec(t, takeFrom, 3000, []int{1}, k)
	s.exec(t, addTo, 2000, []int{1, 2}, k)
	require.Equal(t, [][]int{{2}}, s.set(t, k))
	s.exec(t, addTo, 3000, []int{1}, k)
	require.Equal(t, [][]int{{2}}, s.set(t, k), "at one timestamp a deletion wins")
	s.exec(t, addTo, 4000, []int{1}, k)
	require.Equal(t, [][]int{{1, 2}}, s.set(t, k))
	s.exec(t, assign, 3500, []int{9}, k)
	require.Equal(t, [][]int{{1, 9}}, s.set(t, k), "an assignment clears what is older")
	s.exec(t, takeFrom, 5000, []int{1, 9}, k)
	require.Empty(t, s.set(t, k), "an update's row ends with its last element")

	conv, users := key(), make([]gocql.UUID, 500)
	for i := range users {
		users[i] = key()
	}
	s.exec(t, `INSERT INTO conversations (conversation_id, participants) VALUES (?, ?)`, conv, users)
	s.exec(t, `UPDATE conversations SET participants = participants - ? WHERE conversation_id = ?`, users[:200], conv)
	var got []gocql.UUID
	require.NoError(t, s.Query(`SELECT participants FROM conversations WHERE conversation_id = ?`, conv).Scan(&got))
	require.ElementsMatch(t, users[200:], got)
}
