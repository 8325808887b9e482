// Package conformance checks that a Redis, real or not, behaves as the chat system needs it, through the driver that the system uses.
package conformance

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Run runs every check against a server, each under keys of its own that expire by themselves or are deleted.
func Run(t *testing.T, options *redis.Options) {
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	for _, check := range []struct {
		name string
		run  func(*suite)
	}{
		{"a sorted set is read newest first", sortedSetNewestFirst},
		{"equal scores are in the order of their members", equalScoresByMember},
		{"a sorted set is trimmed by rank", sortedSetTrimmed},
		{"a sorted set is read by score, with bounds and pages", sortedSetByScore},
		{"a member has one score", memberHasOneScore},
		{"scores keep integers up to 2^53", scoresKeepIntegers},
		{"a hash is set and read", hashIsSetAndRead},
		{"counters in a hash", hashCounts},
		{"strings are set only if absent", setIfAbsent},
		{"keys expire when their time has passed", keysExpire},
		{"an expiry is renewed", expiryRenewed},
		{"a write keeps or clears the expiry as documented", writesAndExpiry},
		{"a pipeline answers in order", pipelineInOrder},
		{"a pipeline goes on after an error", pipelineAfterError},
		{"a transaction is all or nothing", transactionIsAtomic},
		{"time goes on", timeGoesOn},
		{"a script is run by its hash after it was loaded", scriptByHash},
		{"a script reads time and writes a hash", scriptTimeAndHash},
		{"a script compares and deletes", scriptCompareAndDelete},
		{"a script keeps moments to the microsecond in a sorted set", scriptMoments},
		{"a script's reply keeps its types", scriptReplies},
		{"an operation on the wrong type is refused", wrongTypeRefused},
		{"absent keys are told apart", absentKeys},
	} {
		t.Run(check.name, func(t *testing.T) { check.run(newSuite(t, client)) })
	}
}

// suite is one check's own corner of the server.
type suite struct {
	*testing.T
	*redis.Client
	ctx    context.Context
	prefix string
}

var runs atomic.Int64

func newSuite(t *testing.T, client *redis.Client) *suite {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	s := &suite{T: t, Client: client, ctx: ctx, prefix: fmt.Sprintf("conformance:%d:%d:", time.Now().UnixNano(), runs.Add(1))}
	t.Cleanup(func() {
		defer cancel()
		keys, err := client.Keys(ctx, s.prefix+"*").Result()
		require.NoError(t, err)
		if len(keys) > 0 {
			require.NoError(t, client.Del(ctx, keys...).Err())
		}
	})
	return s
}

// key names a key of this check.
func (s *suite) key(name string) string { return s.prefix + name }

func (s *suite) ok(err error) {
	s.Helper()
	require.NoError(s, err)
}

// fill makes a sorted set of members a, b, c ... with scores 1, 2, 3 ...
func (s *suite) fill(key string, n int) {
	var members []redis.Z
	for i := range n {
		members = append(members, redis.Z{Score: float64(i + 1), Member: string(rune('a' + i))})
	}
	added, err := s.ZAdd(s.ctx, key, members...).Result()
	s.ok(err)
	require.EqualValues(s, n, added)
}

func (s *suite) all(key string) string {
	members, err := s.ZRange(s.ctx, key, 0, -1).Result()
	s.ok(err)
	return strings.Join(members, "")
}

func sortedSetNewestFirst(s *suite) {
	key := s.key("z")
	s.fill(key, 5)
	for _, want := range []struct {
		start, stop int64
		members     []string
	}{{0, -1, []string{"e", "d", "c", "b", "a"}}, {0, 1, []string{"e", "d"}}, {3, 100, []string{"b", "a"}}, {7, 9, []string{}}} {
		got, err := s.ZRevRange(s.ctx, key, want.start, want.stop).Result()
		s.ok(err)
		require.Equal(s, want.members, got)
	}
	scored, err := s.ZRevRangeWithScores(s.ctx, key, 0, 0).Result()
	s.ok(err)
	require.Equal(s, []redis.Z{{Score: 5, Member: "e"}}, scored)
	count, err := s.ZCard(s.ctx, key).Result()
	s.ok(err)
	require.EqualValues(s, 5, count)
}

func equalScoresByMember(s *suite) {
	key := s.key("z")
	s.ok(s.ZAdd(s.ctx, key, redis.Z{Score: 1, Member: "b"}, redis.Z{Score: 1, Member: "a"}, redis.Z{Score: 1, Member: "B"}, redis.Z{Score: 1, Member: "ab"}).Err())
	require.Equal(s, "Baabb", s.all(key))
	reversed, err := s.ZRevRange(s.ctx, key, 0, -1).Result()
	s.ok(err)
	require.Equal(s, []string{"b", "ab", "a", "B"}, reversed)
}

func sortedSetTrimmed(s *suite) {
	key := s.key("z")
	s.fill(key, 10)
	removed, err := s.ZRemRangeByRank(s.ctx, key, 0, -4).Result()
	s.ok(err)
	require.EqualValues(s, 7, removed)
	require.Equal(s, "hij", s.all(key))
	removed, err = s.ZRemRangeByRank(s.ctx, key, 0, -101).Result()
	s.ok(err)
	require.Zero(s, removed, "fewer than the 100 to keep")
	removed, err = s.ZRemRangeByScore(s.ctx, key, "-inf", "(10").Result()
	s.ok(err)
	require.EqualValues(s, 2, removed)
	s.ok(s.ZRem(s.ctx, key, "j").Err())
	exists, err := s.Exists(s.ctx, key).Result()
	s.ok(err)
	require.Zero(s, exists, "an empty set is gone")
}

func sortedSetByScore(s *suite) {
	key := s.key("z")
	s.fill(key, 6)
	for _, want := range []struct {
		by      redis.ZRangeBy
		members []string
	}{
		{redis.ZRangeBy{Min: "-inf", Max: "+inf"}, []string{"a", "b", "c", "d", "e", "f"}},
		{redis.ZRangeBy{Min: "-inf", Max: "+inf", Count: 2}, []string{"a", "b"}},
		{redis.ZRangeBy{Min: "(2", Max: "5"}, []string{"c", "d", "e"}},
		{redis.ZRangeBy{Min: "2", Max: "(5", Offset: 1, Count: 1}, []string{"c"}},
		{redis.ZRangeBy{Min: "7", Max: "9"}, []string{}},
	} {
		got, err := s.ZRangeByScore(s.ctx, key, &want.by).Result()
		s.ok(err)
		require.Equal(s, want.members, got)
	}
	newest, err := s.ZRevRangeByScore(s.ctx, key, &redis.ZRangeBy{Min: "-inf", Max: "(6", Count: 2}).Result()
	s.ok(err)
	require.Equal(s, []string{"e", "d"}, newest)
	count, err := s.ZCount(s.ctx, key, "(1", "3").Result()
	s.ok(err)
	require.EqualValues(s, 2, count)
}

func memberHasOneScore(s *suite) {
	key := s.key("z")
	s.fill(key, 2)
	added, err := s.ZAdd(s.ctx, key, redis.Z{Score: 9, Member: "a"}).Result()
	s.ok(err)
	require.Zero(s, added)
	require.Equal(s, "ba", s.all(key))
	added, err = s.ZAddNX(s.ctx, key, redis.Z{Score: 1, Member: "a"}, redis.Z{Score: 3, Member: "c"}).Result()
	s.ok(err)
	require.EqualValues(s, 1, added)
	require.Equal(s, "bca", s.all(key))
	_, err = s.ZScore(s.ctx, key, "nobody").Result()
	require.ErrorIs(s, err, redis.Nil)
}

func scoresKeepIntegers(s *suite) {
	key, score := s.key("z"), float64(1<<53-1)
	s.ok(s.ZAdd(s.ctx, key, redis.Z{Score: score, Member: "m"}, redis.Z{Score: score - 1, Member: "n"}).Err())
	got, err := s.ZScore(s.ctx, key, "m").Result()
	s.ok(err)
	require.Equal(s, score, got)
	exactly := fmt.Sprint(int64(score))
	found, err := s.ZRangeByScore(s.ctx, key, &redis.ZRangeBy{Min: exactly, Max: exactly}).Result()
	s.ok(err)
	require.Equal(s, []string{"m"}, found)
}
