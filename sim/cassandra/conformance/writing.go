package conformance

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/stretchr/testify/require"
)

const (
	setTitle    = `INSERT INTO conversations (conversation_id, type) VALUES (?, ?) USING TIMESTAMP ?`
	selectTitle = `SELECT type FROM conversations WHERE conversation_id = ?`
)

// title reads the types of a conversation's rows: one, or none.
func (s *suite) title(t *testing.T, conv gocql.UUID) []string {
	t.Helper()
	return column[string](t, s.Query(selectTitle, conv))
}

func (s *suite) lastWriteWins(t *testing.T) {
	conv := key()
	s.exec(t, setTitle, conv, "new", 2000)
	s.exec(t, setTitle, conv, "old", 1000)
	require.Equal(t, []string{"new"}, s.title(t, conv))
	s.exec(t, `UPDATE conversations USING TIMESTAMP ? SET type = ? WHERE conversation_id = ?`, 3000, "newest", conv)
	require.Equal(t, []string{"newest"}, s.title(t, conv))
	require.NoError(t, s.Query(`UPDATE conversations SET type = ? WHERE conversation_id = ?`, "late", conv).WithTimestamp(2500).Exec())
	require.Equal(t, []string{"newest"}, s.title(t, conv))
	require.NoError(t, s.Query(`UPDATE conversations SET type = ? WHERE conversation_id = ?`, "now", conv).Exec())
	require.Equal(t, []string{"now"}, s.title(t, conv))
}

func (s *suite) ties(t *testing.T) {
	conv := key()
	for _, v := range []string{"b", "c", "a"} {
		s.exec(t, setTitle, conv, v, 1000)
	}
	require.Equal(t, []string{"c"}, s.title(t, conv))
	s.exec(t, `UPDATE conversations USING TIMESTAMP 1000 SET type = null WHERE conversation_id = ?`, conv)
	require.Equal(t, []string{""}, s.title(t, conv), "at one timestamp a deletion wins")
}

func (s *suite) tombstone(t *testing.T) {
	conv := key()
	s.exec(t, setTitle, conv, "first", 2000)
	s.exec(t, `DELETE FROM conversations USING TIMESTAMP ? WHERE conversation_id = ?`, 3000, conv)
	require.Empty(t, s.title(t, conv))
	s.exec(t, setTitle, conv, "zombie", 2500)
	require.Empty(t, s.title(t, conv))
	s.exec(t, setTitle, conv, "same", 3000)
	require.Empty(t, s.title(t, conv), "at one timestamp a deletion wins")
	s.exec(t, setTitle, conv, "back", 3001)
	require.Equal(t, []string{"back"}, s.title(t, conv))

	conv, at := s.conversation(t, 5)
	s.exec(t, `DELETE FROM messages WHERE conversation_id = ? AND timestamp = ?`, conv, at[2])
	got := column[int64](t, s.Query(`SELECT seq FROM messages WHERE conversation_id = ?`, conv).PageSize(2))
	require.Equal(t, []int64{5, 4, 2, 1}, got)
	got = column[int64](t, s.Query(`SELECT seq FROM messages WHERE conversation_id = ? LIMIT 3`, conv))
	require.Equal(t, []int64{5, 4, 2}, got)
}

func (s *suite) nullAndUnset(t *testing.T) {
	conv := key()
	const insert = `INSERT INTO conversations (conversation_id, type, created_at) VALUES (?, ?, ?)`
	s.exec(t, insert, conv, "group", time.Now())
	s.exec(t, insert, conv, gocql.UnsetValue, nil)
	var kind string
	var created *time.Time
	require.NoError(t, s.Query(`SELECT type, created_at FROM conversations WHERE conversation_id = ?`, conv).Scan(&kind, &created))
	require.Equal(t, "group", kind)
	require.Nil(t, created)
}

func (s *suite) marker(t *testing.T) {
	updated, inserted := key(), key()
	s.exec(t, `UPDATE conversations SET type = ? WHERE conversation_id = ?`, "group", updated)
	require.Equal(t, []string{"group"}, s.title(t, updated))
	s.exec(t, `UPDATE conversations SET type = null WHERE conversation_id = ?`, updated)
	require.Empty(t, s.title(t, updated), "an update leaves no marker")
	s.exec(t, `INSERT INTO conversations (conversation_id) VALUES (?)`, inserted)
	require.Equal(t, []string{""}, s.title(t, inserted))
	s.exec(t, `UPDATE conversations SET participants = participants - ? WHERE conversation_id = ?`, []gocql.UUID{key()}, updated)
	require.Empty(t, s.title(t, updated), "taking from a set makes no row")
}

func (s *suite) ttl(t *testing.T) {
	short, long, updated, never := key(), key(), key(), key()
	const insert = `INSERT INTO conversations (conversation_id, type) VALUES (?, ?) USING TTL ?`
	s.exec(t, insert, short, "short", 2)
	s.exec(t, insert, long, "long", 3600)
	s.exec(t, insert, never, "never", 0)
	s.exec(t, `INSERT INTO conversations (conversation_id, type) VALUES (?, ?)`, updated, "forever")
	s.exec(t, `UPDATE conversations USING TTL ? SET last_message_at = ? WHERE conversation_id = ?`, 2, time.Now(), updated)
	require.Equal(t, []string{"short"}, s.title(t, short))
	if s.target.Advance != nil {
		s.target.Advance(2 * time.Second)
	}
	require.Eventually(t, func() bool { return errors.Is(s.Query(selectTitle, short).Scan(new(string)), gocql.ErrNotFound) }, 10*time.Second, 50*time.Millisecond)
	at := column[*time.Time](t, s.Query(`SELECT last_message_at FROM conversations WHERE conversation_id = ?`, updated))
	require.Equal(t, []*time.Time{nil}, at)
	require.Equal(t, []string{"forever"}, s.title(t, updated))
	require.Equal(t, []string{"long"}, s.title(t, long))
	require.Equal(t, []string{"never"}, s.title(t, never))
	require.Error(t, s.Query(insert, short, "x", -1).Exec())
	require.Error(t, s.Query(insert, short, "x", 630720001).Exec())
}

// batch writes more than the 50 KiB that Cassandra allows a batch of several partitions.
func (s *suite) batch(t *testing.T) {
	text := strings.Repeat("x", 2000)
	for _, kind := range []gocql.BatchType{gocql.LoggedBatch, gocql.UnloggedBatch} {
		conv := key()
		b := s.NewBatch(kind)
		for i := range 50 {
			at := gocql.UUIDFromTime(time.UnixMilli(1_700_000_000_000 + int64(i)))
			b.Query(`INSERT INTO messages (conversation_id, timestamp, seq, content) VALUES (?, ?, ?, ?)`, conv, at, int64(i+1), text)
		}
		require.NoError(t, s.ExecuteBatch(b))
		require.Equal(t, seqs(50, -1, 50), column[int64](t, s.Query(`SELECT seq FROM messages WHERE conversation_id = ?`, conv)))
	}
	conv := key()
	b := s.NewBatch(gocql.UnloggedBatch)
	b.Query(`UPDATE conversations SET type = ? WHERE conversation_id = ?`, "a", conv)
	b.Query(`UPDATE conversations SET type = ? WHERE conversation_id = ?`, "b", conv)
	b.Query(`UPDATE conversations SET created_at = 5 WHERE conversation_id = ` + conv.String())
	require.NoError(t, s.ExecuteBatch(b.WithTimestamp(5000)))
	require.Equal(t, []string{"b"}, s.title(t, conv), "a batch has one timestamp: the greater value wins")
	require.NoError(t, s.Query(`UPDATE conversations SET type = 'c' WHERE conversation_id = ?`, conv).WithTimestamp(4999).Exec())
	require.Equal(t, []string{"b"}, s.title(t, conv))
}
