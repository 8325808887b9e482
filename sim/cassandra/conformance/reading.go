package conformance

import (
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/stretchr/testify/require"
)

const insertPlace = `INSERT INTO messages (conversation_id, timestamp, seq) VALUES (?, ?, ?)`

// conversation writes n messages, one a millisecond, and returns their timestamps, oldest first.
func (s *suite) conversation(t *testing.T, n int) (conv gocql.UUID, at []gocql.UUID) {
	t.Helper()
	conv = key()
	start := time.UnixMilli(1_700_000_000_000)
	for i := range n {
		at = append(at, gocql.UUIDFromTime(start.Add(time.Duration(i)*time.Millisecond)))
		s.exec(t, insertPlace, conv, at[i], int64(i+1))
	}
	return conv, at
}

// seqs lists from, from+step ... n of them.
func seqs(from, step int64, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = from + int64(i)*step
	}
	return out
}

func (s *suite) pages(t *testing.T) {
	conv, _ := s.conversation(t, 100)
	for _, size := range []int{1, 7, 50, 100, 1000} {
		got := column[int64](t, s.Query(`SELECT seq FROM messages WHERE conversation_id = ?`, conv).PageSize(size))
		require.Equal(t, seqs(100, -1, 100), got, "pages of %d", size)
	}
	got := column[int64](t, s.Query(`SELECT seq FROM messages WHERE conversation_id = ? ORDER BY timestamp ASC`, conv).PageSize(7))
	require.Equal(t, seqs(1, 1, 100), got)
	require.Empty(t, column[int64](t, s.Query(`SELECT seq FROM messages WHERE conversation_id = ?`, key())))
}

func (s *suite) pageState(t *testing.T) {
	conv, _ := s.conversation(t, 60)
	var state []byte
	var sizes []int
	var got []int64
	for {
		it := s.Query(`SELECT seq FROM messages WHERE conversation_id = ? LIMIT 50`, conv).PageSize(20).PageState(state).Iter()
		sizes = append(sizes, it.NumRows())
		state = it.PageState()
		var seq int64
		for range it.NumRows() {
			require.True(t, it.Scan(&seq))
			got = append(got, seq)
		}
		require.NoError(t, it.Close())
		if len(state) == 0 {
			break
		}
	}
	require.Equal(t, []int{20, 20, 10}, sizes)
	require.Equal(t, seqs(60, -1, 50), got)
	err := s.Query(`SELECT seq FROM messages WHERE conversation_id = ?`, conv).PageSize(20).PageState([]byte("nonsense")).Exec()
	require.Error(t, err)
}

func (s *suite) ranges(t *testing.T) {
	conv, at := s.conversation(t, 20)
	read := func(where string, values ...any) []int64 {
		stmt := `SELECT seq FROM messages WHERE conversation_id = ? ` + where
		return column[int64](t, s.Query(stmt, append([]any{conv}, values...)...))
	}
	require.Equal(t, []int64{10}, read(`AND timestamp = ?`, at[9]))
	require.Equal(t, seqs(9, -1, 9), read(`AND timestamp < ?`, at[9]))
	require.Equal(t, seqs(10, -1, 10), read(`AND timestamp <= ?`, at[9]))
	require.Equal(t, seqs(20, -1, 10), read(`AND timestamp > ?`, at[9]))
	require.Equal(t, seqs(20, -1, 11), read(`AND timestamp >= ?`, at[9]))
	require.Equal(t, seqs(9, -1, 5), read(`AND timestamp < ? LIMIT ?`, at[9], 5))
	require.Equal(t, seqs(11, 1, 3), read(`AND timestamp > ? ORDER BY timestamp ASC LIMIT ?`, at[9], 3))
	require.Equal(t, seqs(1, 1, 9), read(`AND timestamp < ? ORDER BY timestamp ASC`, at[9]))
	require.Equal(t, seqs(14, -1, 4), read(`AND timestamp > ? AND timestamp <= ?`, at[9], at[13]))
	require.Equal(t, seqs(10, 1, 4), read(`AND timestamp < ? AND timestamp >= ? ORDER BY timestamp ASC`, at[13], at[9]))
	require.Empty(t, read(`AND timestamp > ? AND timestamp < ?`, at[13], at[9]))
	require.Empty(t, read(`AND timestamp > ?`, at[19]))
	require.Empty(t, read(`AND timestamp < ?`, at[0]))
	s.manyRanges(t)
}

// manyRanges reads by a clustering key of two columns, the first of them descending.
func (s *suite) manyRanges(t *testing.T) {
	a := key().String()
	for c := range 3 {
		for _, d := range []string{"", "x", "x\x00", "xy", "z"} {
			s.exec(t, `INSERT INTO many (a, b, c, d, v) VALUES (?, ?, ?, ?, ?)`, a, -1, int64(c)-1, d, d)
		}
	}
	read := func(where string, values ...any) []string {
		stmt := `SELECT v FROM many WHERE a = ? AND b = -1 ` + where
		return column[string](t, s.Query(stmt, append([]any{a}, values...)...))
	}
	require.Equal(t, []string{"", "x", "x\x00", "xy", "z"}, read(`AND c = ?`, int64(-1)))
	require.Equal(t, []string{"z", "xy", "x\x00", "x", ""}, read(`AND c = ? ORDER BY c ASC, d DESC`, int64(1)))
	require.Equal(t, []string{"x\x00", "xy", "z"}, read(`AND c = 0 AND d > ?`, "x"))
	require.Equal(t, []string{"", "x"}, read(`AND c = 0 AND d < ?`, "x\x00"))
	require.Equal(t, []string{"x", "x\x00"}, read(`AND c = 0 AND d >= 'x' AND d < 'xy'`))
	require.Len(t, read(`AND c >= ?`, int64(0)), 10)
	require.Equal(t, []string{"z", "xy"}, read(`AND c < 0 ORDER BY c ASC, d DESC LIMIT 2`))
	require.Equal(t, []string{"", "x"}, read(`LIMIT 2`))
}

func (s *suite) count(t *testing.T) {
	conv, at := s.conversation(t, 30)
	require.Equal(t, []int64{30}, column[int64](t, s.Query(`SELECT count(*) FROM messages WHERE conversation_id = ?`, conv).PageSize(7)))
	require.Equal(t, []int64{10}, column[int64](t, s.Query(`SELECT COUNT(*) FROM messages WHERE conversation_id = ? AND timestamp < ?`, conv, at[10])))
	require.Equal(t, []int64{0}, column[int64](t, s.Query(`SELECT count(*) FROM messages WHERE conversation_id = ?`, key())))
}

func (s *suite) timeUUIDOrder(t *testing.T) {
	conv, base := key(), gocql.UUIDFromTime(time.UnixMilli(1_700_000_000_000))
	for i, low := range []byte{0x00, 0x7f, 0x80, 0xff} {
		base[15] = low
		s.exec(t, insertPlace, conv, base, int64(i))
	}
	got := column[int64](t, s.Query(`SELECT seq FROM messages WHERE conversation_id = ? ORDER BY timestamp ASC`, conv))
	require.Equal(t, []int64{2, 3, 0, 1}, got)
}

func (s *suite) uuidOrder(t *testing.T) {
	user := key()
	want := []string{
		"ffffffff-0000-1000-8000-000000000001", // version 1, by time: low, mid and high bits swap places
		"00000000-0001-1000-8000-000000000001",
		"00000000-0001-1000-ff00-000000000001",
		"00000000-0000-1001-8000-000000000001",
		"00000000-0000-4000-8000-000000000000",
		"7fffffff-0000-4000-8000-000000000000",
		"80000000-0000-4000-8000-000000000000",
		"80000000-0000-4000-ffff-000000000000",
		"00000000-0000-7000-8000-000000000000",
	}
	for i := range want { // in another order
		id, err := gocql.ParseUUID(want[(i*4)%len(want)])
		require.NoError(t, err)
		s.exec(t, `INSERT INTO user_conversations (user_id, conversation_id) VALUES (?, ?)`, user, id)
	}
	var got []string
	for _, id := range column[gocql.UUID](t, s.Query(`SELECT conversation_id FROM user_conversations WHERE user_id = ?`, user)) {
		got = append(got, id.String())
	}
	require.Equal(t, want, got)
}

func (s *suite) types(t *testing.T) {
	k, id, tid := key().String(), key(), gocql.TimeUUID()
	at := time.UnixMilli(1_700_000_000_123).UTC()
	want := []any{
		"plain", []byte{0, 255}, float32(1.5), -2.25, -7, int64(-1 << 40), int16(-300), int8(-5), true, at, id, tid,
		"é ☃", []int{-1, 0, 2}, []string{"", "a", "b"},
	}
	s.exec(t, `INSERT INTO kinds (k, a, b, f, g, i, l, s, y, o, t, u, tu, x, si, sx) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append([]any{k}, want...)...)
	row := map[string]any{}
	require.NoError(t, s.Query(`SELECT * FROM kinds WHERE k = ?`, k).MapScan(row))
	for i, name := range []string{"a", "b", "f", "g", "i", "l", "s", "y", "o", "t", "u", "tu", "x", "si", "sx"} {
		require.Equal(t, want[i], row[name], name)
	}
	literal := key().String()
	s.exec(t, `INSERT INTO kinds (k, a, b, f, g, i, l, s, y, o, t, u, tu, x, si, sx) VALUES ('`+literal+`', 'plain', 0x00ff, 1.5, -2.25, -7,
		-1099511627776, -300, -5, true, 1700000000123, `+id.String()+`, `+tid.String()+`, 'é ☃', {2, -1, 0}, {'b', '', 'a'})`)
	same := map[string]any{}
	require.NoError(t, s.Query(`SELECT * FROM kinds WHERE k = ?`, literal).MapScan(same))
	row["k"] = literal
	require.Equal(t, row, same)
}
