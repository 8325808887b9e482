package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/cassandra"
)

func (s *suite) schema(t *testing.T) {
	began := time.Now()
	session := s.connect(t, nil)
	require.Less(t, time.Since(began), 5*time.Second, "opening a session waits for something")
	k, err := session.KeyspaceMetadata(Keyspace)
	require.NoError(t, err)
	require.Contains(t, k.StrategyClass, "SimpleStrategy")
	messages := k.Tables["messages"]
	require.NotNil(t, messages)
	require.Equal(t, "conversation_id", messages.PartitionKey[0].Name)
	require.Equal(t, "timestamp", messages.ClusteringColumns[0].Name)
	require.Equal(t, gocql.DESC, messages.ClusteringColumns[0].Order)
	require.Equal(t, gocql.TypeSet, k.Tables["conversations"].Columns["participants"].Type.Type())
	require.Len(t, k.Tables["many"].PartitionKey, 2)
	require.NoError(t, session.AwaitSchemaAgreement(t.Context()))
}

// statements executes what the system sends, each with values made from the types that the server says it wants.
func (s *suite) statements(t *testing.T) {
	for _, stmt := range cassandra.Statements() {
		err := s.Bind(stmt, func(q *gocql.QueryInfo) ([]any, error) {
			values := make([]any, len(q.Args))
			for i, a := range q.Args {
				if values[i] = plausible(a.TypeInfo); values[i] == nil {
					return nil, fmt.Errorf("no value for %s of %s", a.Name, a.TypeInfo)
				}
			}
			if len(q.PKeyColumns) == 0 {
				return nil, fmt.Errorf("the server does not say which values are the partition key")
			}
			return values, nil
		}).Exec()
		require.NoError(t, err, stmt)
	}
}

func plausible(t gocql.TypeInfo) any {
	switch t.Type() {
	case gocql.TypeUUID:
		return gocql.MustRandomUUID()
	case gocql.TypeTimeUUID:
		return gocql.TimeUUID()
	case gocql.TypeVarchar, gocql.TypeText:
		return "text"
	case gocql.TypeInt:
		return 7
	case gocql.TypeBigInt:
		return int64(7)
	case gocql.TypeTimestamp:
		return time.Now()
	case gocql.TypeSet:
		return []gocql.UUID{gocql.MustRandomUUID(), gocql.MustRandomUUID()}
	}
	return nil
}

func (s *suite) exists(t *testing.T) {
	for _, q := range cassandra.Tables() {
		s.exec(t, q)
	}
	var exists *gocql.RequestErrAlreadyExists
	err := s.Query(`CREATE TABLE messages (conversation_id uuid PRIMARY KEY)`).Exec()
	require.ErrorAs(t, err, &exists)
	require.Equal(t, "messages", exists.Table)
	err = s.Query(`CREATE KEYSPACE ` + Keyspace + ` WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`).Exec()
	require.ErrorAs(t, err, &exists)
	require.Equal(t, Keyspace, exists.Keyspace)
}

func (s *suite) mistakes(t *testing.T) {
	k := key()
	for stmt, code := range map[string]int{
		`SELECT nope FROM messages WHERE conversation_id = ?`:                                gocql.ErrCodeInvalid,
		`SELECT seq FROM nope WHERE conversation_id = ?`:                                     gocql.ErrCodeInvalid,
		`SELECT seq FROM nope.messages WHERE conversation_id = ?`:                            gocql.ErrCodeInvalid,
		`SELECT seq FROM messages WHERE nope = ?`:                                            gocql.ErrCodeInvalid,
		`SELECT seq FROM messages WHERE conversation_id > ?`:                                 gocql.ErrCodeInvalid,
		`SELECT seq FROM messages WHERE message_id = ?`:                                      gocql.ErrCodeInvalid,
		`SELECT seq FROM messages WHERE conversation_id = ? LIMIT 0`:                         gocql.ErrCodeInvalid,
		`SELECT seq FROM messages WHERE conversation_id = ? LIMIT -1`:                        gocql.ErrCodeInvalid,
		`SELECT seq FROM messages WHERE conversation_id = ? ORDER BY seq`:                    gocql.ErrCodeInvalid,
		`SELECT seq FROM messages WHERE conversation_id = ? AND timestamp = 'yesterday'`:     gocql.ErrCodeInvalid,
		`SELECT seq FROM many WHERE a = ?`:                                                   gocql.ErrCodeInvalid,
		`SELECT v FROM many WHERE b = 1 AND d = 'x' AND a = ?`:                               gocql.ErrCodeInvalid,
		`INSERT INTO messages (conversation_id, seq) VALUES (?, 1)`:                          gocql.ErrCodeInvalid,
		`INSERT INTO conversations (conversation_id, type) VALUES (?)`:                       gocql.ErrCodeInvalid,
		`INSERT INTO conversations (conversation_id, type, type) VALUES (?, 'a', 'b')`:       gocql.ErrCodeInvalid,
		`INSERT INTO conversations (conversation_id, type) VALUES (?, 5)`:                    gocql.ErrCodeInvalid,
		`UPDATE conversations SET conversation_id = ? WHERE conversation_id = ` + k.String(): gocql.ErrCodeInvalid,
		`UPDATE conversations SET type = type + 'x' WHERE conversation_id = ?`:               gocql.ErrCodeInvalid,
		`UPDATE user_conversations SET left_seq = 1 WHERE user_id = ?`:                       gocql.ErrCodeInvalid,
		`SELEKT seq FROM messages WHERE conversation_id = ?`:                                 gocql.ErrCodeSyntax,
		`SELECT seq FROM messages WHERE conversation_id = ? LIMIT`:                           gocql.ErrCodeSyntax,
		`SELECT seq FROM messages, conversations WHERE conversation_id = ?`:                  gocql.ErrCodeSyntax,
		`SELECT seq FROM messages JOIN conversations WHERE conversation_id = ?`:              gocql.ErrCodeSyntax,
		`INSERT INTO conversations (conversation_id type) VALUES (?, 'a')`:                   gocql.ErrCodeSyntax,
		`UPDATE conversations SET type 'x' WHERE conversation_id = ?`:                        gocql.ErrCodeSyntax,
		`SELECT seq FROM messages WHERE conversation_id = ? SELECT`:                          gocql.ErrCodeSyntax,
	} {
		err := s.Query(stmt, k).Consistency(gocql.One).Exec()
		var refused gocql.RequestError
		if assertAs(t, err, &refused, stmt) {
			require.Equal(t, code, refused.Code(), "%s: %v", stmt, err)
			require.NotEmpty(t, refused.Message())
		}
	}
	require.ErrorContains(t, s.Query(`SELECT nope FROM messages WHERE conversation_id = ?`, k).Exec(), "ndefined column name nope")
	null := s.Query(`INSERT INTO conversations (conversation_id, type) VALUES (?, ?)`, nil, "group").Exec()
	var refused gocql.RequestError
	require.ErrorAs(t, null, &refused)
	require.Equal(t, gocql.ErrCodeInvalid, refused.Code())
}

func assertAs(t *testing.T, err error, target any, what string) bool {
	t.Helper()
	require.Error(t, err, what)
	require.ErrorAs(t, err, target, what)
	return true
}

func (s *suite) reservedWords(t *testing.T) {
	const words = `add allow alter and apply asc authorize batch begin by columnfamily create delete desc describe drop entries
		execute from full grant if in index infinity insert into is keyspace limit materialized modify nan norecursive not null of
		on or order primary rename revoke schema select set table to token truncate unlogged update use using view where with`
	for _, w := range strings.Fields(words) {
		for stmt, code := range map[string]int{
			`CREATE TABLE reserved (k int PRIMARY KEY, ` + w + ` int)`:                   gocql.ErrCodeSyntax,
			`SELECT "` + w + `" FROM messages WHERE conversation_id = ` + key().String(): gocql.ErrCodeInvalid, // there is none
		} {
			var refused gocql.RequestError
			if assertAs(t, s.Query(stmt).Exec(), &refused, stmt) {
				require.Equal(t, code, refused.Code(), "%s: %s", stmt, refused.Message())
			}
		}
	}
}
