package conformance

import (
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/stretchr/testify/require"
)

// alter adds columns to a table that has rows. Its names are new each time: no server forgets a column.
func (s *suite) alter(t *testing.T) {
	table := "grown_" + time.Now().UTC().Format("150405") + key().String()[:8]
	s.exec(t, `CREATE TABLE `+table+` (k text PRIMARY KEY, m text)`)
	s.exec(t, `INSERT INTO `+table+` (k, m) VALUES ('old', 'before')`)
	s.exec(t, `ALTER TABLE `+table+` ADD z text`)
	s.exec(t, `ALTER TABLE `+table+` ADD (a int, tags set<text>)`)
	s.exec(t, `ALTER TABLE `+table+` ADD IF NOT EXISTS a int`)
	var refused gocql.RequestError
	require.ErrorAs(t, s.Query(`ALTER TABLE `+table+` ADD z text`).Exec(), &refused)
	require.Equal(t, gocql.ErrCodeInvalid, refused.Code())
	require.ErrorAs(t, s.Query(`ALTER TABLE nowhere ADD z text`).Exec(), &refused)
	require.Equal(t, gocql.ErrCodeInvalid, refused.Code())

	require.NoError(t, s.AwaitSchemaAgreement(t.Context()))
	read := func(k string) (m, z string, a int, tags []string) {
		require.NoError(t, s.Query(`SELECT m, z, a, tags FROM `+table+` WHERE k = ?`, k).Scan(&m, &z, &a, &tags))
		return m, z, a, tags
	}
	m, z, a, tags := read("old")
	require.Equal(t, "before", m)
	require.Empty(t, z)
	require.Zero(t, a)
	require.Empty(t, tags)
	s.exec(t, `INSERT INTO `+table+` (k, m, z, a, tags) VALUES ('new', 'after', 'z', 5, {'x'})`)
	s.exec(t, `UPDATE `+table+` SET z = 'later', tags = tags + {'y'} WHERE k = 'old'`)
	m, z, _, tags = read("old")
	require.Equal(t, []string{"before", "later", "y"}, append([]string{m, z}, tags...))
	m, z, a, tags = read("new")
	require.Equal(t, []any{"after", "z", 5, []string{"x"}}, []any{m, z, a, tags})
	names := column[string](t, s.Query(`SELECT column_name FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?`, Keyspace, table))
	require.ElementsMatch(t, []string{"a", "k", "m", "tags", "z"}, names)
}
