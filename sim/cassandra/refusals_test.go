package cassandra

import (
	"fmt"
	"testing"

	"github.com/datastax/go-cassandra-native-protocol/message"
	"github.com/datastax/go-cassandra-native-protocol/primitive"
	"github.com/stretchr/testify/require"
)

// TestRefusals walks what Cassandra would do and this server does not, and what neither does.
func TestRefusals(t *testing.T) {
	const simple = ` WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}`
	invalid, config, exists, syntax := &message.Invalid{}, &message.ConfigError{}, &message.AlreadyExists{}, &message.SyntaxError{}
	for stmt, want := range map[string]struct {
		kind message.Message
		why  string
	}{
		`INSERT INTO conversations (conversation_id) VALUES (?) IF NOT EXISTS`:        {invalid, "lightweight transactions"},
		`SELECT type FROM conversations WHERE type = 'a' ALLOW FILTERING`:             {invalid, "ALLOW FILTERING is not supported"},
		`SELECT type FROM conversations`:                                              {invalid, "more than one partition is not supported"},
		`DELETE FROM messages WHERE conversation_id = ` + zero:                        {invalid, "more than one row is not supported"},
		`DELETE FROM messages WHERE conversation_id = ` + zero + ` AND timestamp > ?`: {invalid, "a range of rows are not supported"},
		`UPDATE messages SET seq = seq + 1 WHERE conversation_id = ` + zero:           {invalid, "counters are not supported"},
		`TRUNCATE system.local`:                       {invalid, "not user-modifiable"},
		`INSERT INTO system.local (key) VALUES ('a')`: {invalid, "not user-modifiable"},
		`SELECT * FROM system.local WHERE key > 'a'`:  {invalid, "only = is supported"},
		`SELECT * FROM system.schema_columnfamilies`:  {invalid, "does not exist"},
		`USE nowhere`: {invalid, "Keyspace 'nowhere' does not exist"},
		`USE 5`:       {syntax, "expected a keyspace's name"},

		`CREATE KEYSPACE k` + simple:     {exists, "already existing keyspace k"},
		`CREATE KEYSPACE "a-b"` + simple: {invalid, "is not a name for a keyspace"},
		`CREATE KEYSPACE a WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 0}`: {config, "from 1 to 100; found '0'"},
		`CREATE KEYSPACE a WITH replication = {'class': 'OtherStrategy', 'replication_factor': 1}`:  {config, "'OtherStrategy'"},
		`CREATE KEYSPACE a WITH replication = {'replication_factor': 1}`:                            {config, "Missing replication strategy class"},
		`CREATE KEYSPACE a WITH replication = {'class': 'NetworkTopologyStrategy', 'mars': 1}`:      {config, "{mars}"},
		`CREATE TABLE messages (a int PRIMARY KEY)`:                                                 {exists, "already existing table k.messages"},
		`CREATE TABLE system.a (a int PRIMARY KEY)`:                                                 {invalid, "not user-modifiable"},
		`CREATE TABLE a (a counter PRIMARY KEY)`:                                                    {invalid, "type counter is not supported"},
		`CREATE TABLE a (a int PRIMARY KEY, b map<int, text>)`:                                      {invalid, "type map<int, text> is not supported"},
		`CREATE TABLE a (a int PRIMARY KEY, b set<float>)`:                                          {invalid, "type set<float> is not supported"},
		`CREATE TABLE a (a int PRIMARY KEY, a int)`:                                                 {invalid, "Multiple definition of identifier a"},
		`CREATE TABLE a (a int)`:                                                                    {invalid, "No PRIMARY KEY"},
		`CREATE TABLE a (a int, PRIMARY KEY (b))`:                                                   {invalid, "Unknown definition b"},
		`CREATE TABLE a (a set<int> PRIMARY KEY)`:                                                   {invalid, "is not supported in the PRIMARY KEY"},
		`CREATE TABLE a (a int, b int, PRIMARY KEY (a, b)) WITH CLUSTERING ORDER BY (a DESC)`:       {invalid, "must name the clustering columns"},
	} {
		got := talk(t, offline(t, 1), encode(t, append(migrated(), query(stmt))...))
		m := got[len(got)-1].Body.Message
		require.IsType(t, want.kind, m, "%s: %v", stmt, m)
		require.Contains(t, refusal(t, got[len(got)-1]).GetErrorMessage(), want.why, stmt)
	}
}

const zero = `00000000-0000-0000-0000-000000000000`

// TestBatchRefusals walks batches that are more than writes to one partition.
func TestBatchRefusals(t *testing.T) {
	write := func(table string, key int) string {
		return fmt.Sprintf(`INSERT INTO %s (conversation_id) VALUES (00000000-0000-0000-0000-%012d)`, table, key)
	}
	for why, statements := range map[string][]string{
		"over more than one partition":     {write("conversations", 1), write("conversations", 2)},
		"only UPDATE, INSERT and DELETE":   {`SELECT type FROM conversations WHERE conversation_id = ` + zero},
		"cannot be prepared or batched":    {`TRUNCATE conversations`},
		"Some clustering keys are missing": {write("messages", 1)},
		"Undefined column name nope":       {`UPDATE conversations SET nope = 1 WHERE conversation_id = ` + zero},
		"0 values for 1 markers":           {`UPDATE conversations SET type = ? WHERE conversation_id = ` + zero},
	} {
		b := &message.Batch{Consistency: primitive.ConsistencyLevelOne, Type: primitive.BatchTypeLogged}
		for _, s := range statements {
			b.Children = append(b.Children, &message.BatchChild{Query: s})
		}
		got := talk(t, offline(t, 1), encode(t, append(migrated(), b)...))
		require.Contains(t, refusal(t, got[len(got)-1]).GetErrorMessage(), why)
	}
}

// TestBounds makes more of everything than a stranger may.
func TestBounds(t *testing.T) {
	c := offline(t, 1)
	messages := []message.Message{startup()}
	for i := range 120 {
		messages = append(messages, query(fmt.Sprintf(`CREATE KEYSPACE k%d WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`, i)))
	}
	got := talk(t, c, encode(t, messages...))
	require.Contains(t, refusal(t, got[len(got)-1]).GetErrorMessage(), "as many as this server takes")

	messages = migrated()
	for i := range 3 * maxPrepared {
		messages = append(messages, &message.Prepare{Query: fmt.Sprintf(`SELECT type FROM k.conversations WHERE conversation_id = ? LIMIT %d`, i+1)})
	}
	c = offline(t, 1)
	talk(t, c, encode(t, messages...))
	require.Len(t, c.nodes[0].prepared.statements, maxPrepared)
	require.LessOrEqual(t, len(c.Stats().Statements), 2*maxPrepared+1)
}
