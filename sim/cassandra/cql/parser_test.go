package cql

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	s, binds, err := Parse(`SELECT a, "B" FROM ks.t WHERE a = ? AND c >= 'it''s' ORDER BY c DESC LIMIT ?;`)
	require.NoError(t, err)
	require.Equal(t, 2, binds)
	require.Equal(t, &Select{
		From: Table{"ks", "t"}, Columns: []string{"a", "B"},
		Where: []Relation{{"a", "=", Term{Kind: Bind}}, {"c", ">=", Term{Kind: String, Text: "it's"}}},
		Order: []Ordering{{"c", true}}, Limit: &Term{Kind: Bind, Bind: 1},
	}, s)

	s, binds, err = Parse("update t /* why */ using ttl 5 AND timestamp ? set n = n + {1, -2}, m = null -- so\n where K = 0xFf")
	require.NoError(t, err)
	require.Equal(t, 1, binds)
	require.Equal(t, &Update{
		Table: Table{"", "t"}, Using: Using{TTL: &Term{Kind: Integer, Text: "5"}, Timestamp: &Term{}},
		Set: []Assignment{
			{"n", '+', Term{Kind: Set, Elements: []Term{{Kind: Integer, Text: "1"}, {Kind: Integer, Text: "-2"}}}},
			{"m", '=', Term{Kind: Null, Text: "null"}},
		},
		Where: []Relation{{"k", "=", Term{Kind: Blob, Text: "Ff"}}},
	}, s)

	s, _, err = Parse(`CREATE TABLE IF NOT EXISTS t (a uuid, b set<text>, c int, PRIMARY KEY ((a, b), c)) WITH CLUSTERING ORDER BY (c DESC)`)
	require.NoError(t, err)
	require.Equal(t, &CreateTable{
		Table: Table{"", "t"}, IfNotExists: true,
		Columns:   []Definition{{"a", Type{Name: "uuid"}}, {"b", Type{"set", []Type{{Name: "text"}}}}, {"c", Type{Name: "int"}}},
		Partition: []string{"a", "b"}, Clustering: []string{"c"}, Order: []Ordering{{"c", true}},
	}, s)
}

// TestRefusals walks what is refused: each error says what is wrong.
func TestRefusals(t *testing.T) {
	for query, why := range map[string]string{
		``:                                                      "line 1:0 expected a statement, found the end",
		`SELECT`:                                                "line 1:6 expected a column's name, found the end",
		"SELECT a\nFROM t WHERE\n a ~ 1":                        "line 3:3 expected one of = < <= > >=, found '~'",
		`SELECT 'a' FROM t`:                                     "expected a column's name, found 'a'",
		`SELECT a FROM t WHERE a = 'b`:                          "expected a closing quote",
		`SELECT a FROM t; SELECT b FROM t`:                      "expected the end, found 'select'",
		`SELECT a FROM t WHERE a IN (1, 2)`:                     "'in' in WHERE is not supported",
		`SELECT a FROM t WHERE (a, b) > (1, 2)`:                 "several columns at once are not supported",
		`SELECT a FROM t WHERE a = :name`:                       "named bind markers",
		`SELECT a FROM t WHERE a = now()`:                       "functions and names in the place of values",
		`SELECT a FROM t WHERE a = 1 ALLOW FILTERING`:           "ALLOW FILTERING is not supported",
		`SELECT a FROM t GROUP BY a`:                            "GROUP BY is not supported",
		`SELECT a FROM t PER PARTITION LIMIT 1`:                 "PER PARTITION LIMIT is not supported",
		`SELECT DISTINCT a FROM t`:                              "SELECT distinct is not supported",
		`SELECT JSON a FROM t`:                                  "SELECT json is not supported",
		`SELECT max(a) FROM t`:                                  "the function max is not supported",
		`SELECT a FROM t, u`:                                    "expected the end, found ','",
		`SELECT a FROM t JOIN u`:                                "expected the end, found 'join'",
		`INSERT INTO t (a) VALUES (1) IF NOT EXISTS`:            "lightweight transactions",
		`INSERT INTO t JSON '{}'`:                               "INSERT JSON is not supported",
		`INSERT INTO t (a) VALUES ([1])`:                        "lists and tuples are not supported",
		`INSERT INTO t (a) VALUES ({1: 2})`:                     "maps are not supported",
		`INSERT INTO t (a) VALUES ({?})`:                        "BIND MARKER inside a set is not supported",
		`INSERT INTO t (a) VALUES ({{1}})`:                      "a set of sets is not supported",
		`UPDATE t SET a = 1 WHERE b = 2 IF a = 3`:               "lightweight transactions",
		`UPDATE t SET n = m + 1 WHERE b = 2`:                    "only a column itself can be added to",
		`UPDATE t SET a[1] = 1 WHERE b = 2`:                     "an element of a collection is not supported",
		`UPDATE t USING TTL 1 AND TTL 2 SET a = 1 WHERE b = 2`:  "expected an option of USING",
		`DELETE a FROM t WHERE b = 1`:                           "DELETE of single columns is not supported",
		`DELETE FROM t USING TTL 1 WHERE b = 1`:                 "expected an option of USING",
		`DELETE FROM t WHERE b = 1 IF EXISTS`:                   "lightweight transactions",
		`BEGIN BATCH INSERT INTO t (a) VALUES (1) APPLY BATCH`:  "BATCH message",
		`DROP TABLE t`:                                          "DROP is not supported",
		`ALTER TABLE t DROP b`:                                  "ALTER TABLE ... DROP is not supported",
		`CREATE INDEX ON t (a)`:                                 "CREATE INDEX is not supported",
		`CREATE TABLE t (a int PRIMARY KEY, b int STATIC)`:      "static columns are not supported",
		`CREATE TABLE t (a int PRIMARY KEY, PRIMARY KEY (a))`:   "more than one PRIMARY KEY",
		`CREATE TABLE t (a int PRIMARY KEY) WITH comment = 'x'`: "table option COMMENT is not supported",
		`CREATE TABLE t (a set<set<set<set<set<int>>>>>)`:       "nested too deeply",
		`CREATE KEYSPACE k WITH replication = {'class': }`:      "expected a string, found '}'",
		`CREATE KEYSPACE k`:                                     "expected 'WITH', found the end",
		"SELECT " + strings.Repeat("a", MaxLength):              "is longer than the 65536",
	} {
		_, _, err := Parse(query)
		require.ErrorContains(t, err, why, "%.100q", query)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`SELECT a, b FROM k.t WHERE a = ? AND c >= 'it''s' AND d < 1.5e-3 ORDER BY c DESC LIMIT 5;`,
		`SELECT count(*) FROM "T" WHERE a = 0d7f0d4c-58f8-11ee-8c99-0242ac120002`,
		`INSERT INTO t (a, b) VALUES (?, {'x', 'y'}) USING TTL ? AND TIMESTAMP 5`,
		`UPDATE t USING TIMESTAMP ? SET s = s - ?, b = 0xff, c = true WHERE a = null -- end`,
		`DELETE FROM t USING TIMESTAMP 1 WHERE a = ?`,
		`CREATE TABLE IF NOT EXISTS t (a uuid, b set<text>, PRIMARY KEY ((a), b)) WITH CLUSTERING ORDER BY (b ASC)`,
		`CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3} AND durable_writes = true`,
		`TRUNCATE TABLE t`, `USE k`, `SELECT a FROM t WHERE a = 1 /* open`, `'`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		s, binds, err := Parse(query)
		if err == nil && (s == nil || binds < 0 || binds > strings.Count(query, "?")) {
			t.Fatalf("%q became %#v with %d bind markers", query, s, binds)
		}
		if err != nil && err.Error() == "" {
			t.Fatalf("%q is refused without a reason", query)
		}
	})
}
