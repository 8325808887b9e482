package conformance

import (
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func pipelineInOrder(s *suite) {
	key := s.key("list")
	pipeline := s.Pipeline()
	for i := range 100 {
		pipeline.RPush(s.ctx, key, i)
	}
	members := pipeline.LRange(s.ctx, key, 0, -1)
	answers, err := pipeline.Exec(s.ctx)
	s.ok(err)
	require.Len(s, answers, 101)
	for i := range 100 {
		require.EqualValues(s, i+1, answers[i].(*redis.IntCmd).Val())
		require.Equal(s, strconv.Itoa(i), members.Val()[i])
	}
}

func pipelineAfterError(s *suite) {
	key := s.key("s")
	pipeline := s.Pipeline()
	pipeline.Set(s.ctx, key, "text", 0)
	wrong := pipeline.HGetAll(s.ctx, key)
	absent := pipeline.Get(s.ctx, s.key("nothing"))
	value := pipeline.Get(s.ctx, key)
	_, err := pipeline.Exec(s.ctx)
	require.Error(s, err)
	require.ErrorContains(s, wrong.Err(), "WRONGTYPE")
	require.ErrorIs(s, absent.Err(), redis.Nil)
	require.Equal(s, "text", value.Val())
}

func transactionIsAtomic(s *suite) {
	key := s.key("n")
	pipeline := s.TxPipeline()
	pipeline.Incr(s.ctx, key)
	count := pipeline.Incr(s.ctx, key)
	pipeline.PExpire(s.ctx, key, time.Minute)
	_, err := pipeline.Exec(s.ctx)
	s.ok(err)
	require.EqualValues(s, 2, count.Val())
	require.Positive(s, s.PTTL(s.ctx, key).Val())
}

func scriptByHash(s *suite) {
	source := "return {KEYS[1], ARGV[1], '" + s.prefix + "'}" // unknown to the server, because the prefix is
	sum := sha1.Sum([]byte(source))
	hash := hex.EncodeToString(sum[:])
	require.ErrorContains(s, s.EvalSha(s.ctx, hash, []string{"k"}, "v").Err(), "NOSCRIPT")
	loaded, err := s.ScriptLoad(s.ctx, source).Result()
	s.ok(err)
	require.Equal(s, hash, loaded)
	got, err := s.EvalSha(s.ctx, hash, []string{"k"}, "v").Result()
	s.ok(err)
	require.Equal(s, []any{"k", "v", s.prefix}, got)
	script := redis.NewScript(source + " -- again")
	require.NoError(s, script.Run(s.ctx, s.Client, []string{"k"}, "v").Err(), "the driver falls back to EVAL")
	exists, err := script.Exists(s.ctx, s.Client).Result()
	s.ok(err)
	require.Equal(s, []bool{true}, exists)
}

// heartbeat writes the moment by the server's clock, and renews the expiry.
var heartbeat = `
local t = redis.call('TIME')
local ms = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', ms))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return string.format('%.0f', ms)
`

func scriptTimeAndHash(s *suite) {
	key := s.key("presence")
	before, err := s.Time(s.ctx).Result()
	s.ok(err)
	told, err := s.Eval(s.ctx, heartbeat, []string{key}, "phone", 60_000).Text()
	s.ok(err)
	after, err := s.Time(s.ctx).Result()
	s.ok(err)
	stored, err := s.HGet(s.ctx, key, "phone").Result()
	s.ok(err)
	require.Equal(s, told, stored)
	ms, err := strconv.ParseInt(stored, 10, 64)
	s.ok(err)
	require.GreaterOrEqual(s, ms, before.UnixMilli())
	require.LessOrEqual(s, ms, after.UnixMilli())
	require.Positive(s, s.PTTL(s.ctx, key).Val())
}

func scriptCompareAndDelete(s *suite) {
	key := s.key("h")
	script := redis.NewScript(`
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  return redis.call('HDEL', KEYS[1], ARGV[1])
end
return 0`)
	s.ok(s.HSet(s.ctx, key, "phone", "epoch-2").Err())
	removed, err := script.Run(s.ctx, s.Client, []string{key}, "phone", "epoch-1").Int()
	s.ok(err)
	require.Zero(s, removed, "an old session's late farewell")
	removed, err = script.Run(s.ctx, s.Client, []string{key}, "phone", "epoch-2").Int()
	s.ok(err)
	require.Equal(s, 1, removed)
	removed, err = script.Run(s.ctx, s.Client, []string{key}, "phone", "epoch-2").Int()
	s.ok(err)
	require.Zero(s, removed, "an absent field is false, not an error")
}

// scriptMoments is what the limit on users relies on: a script counts with moments in microseconds without losing any.
func scriptMoments(s *suite) {
	key, moment := s.key("z"), int64(1_764_000_000_123_457)
	script := redis.NewScript(`
redis.call('ZADD', KEYS[1], string.format('%.0f', ARGV[2] + 1), ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
local absent = redis.call('ZRANGE', KEYS[1] .. 'x', -1, -1, 'WITHSCORES')
local removed = redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', ARGV[2] - 1), '+inf')
return {last[1], string.format('%.0f', tonumber(last[2])), absent[2] == nil and 1 or 0, removed, redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0}`)
	got, err := script.Run(s.ctx, s.Client, []string{key}, "\x00\xff binary", moment).Result()
	s.ok(err)
	require.Equal(s, []any{"\x00\xff binary", strconv.FormatInt(moment+1, 10), int64(1), int64(1), int64(0)}, got)
}

func scriptReplies(s *suite) {
	got, err := s.Eval(s.ctx, `return {1, 'two', 3.9, {4, 'five'}, redis.call('GET', KEYS[1]), redis.status_reply('FINE')}`, []string{s.key("nothing")}).Result()
	s.ok(err)
	require.Equal(s, []any{int64(1), "two", int64(3), []any{int64(4), "five"}, nil, "FINE"}, got)
	_, err = s.Eval(s.ctx, `return redis.error_reply('MYERR no')`, nil).Result()
	require.ErrorContains(s, err, "MYERR no")
	_, err = s.Eval(s.ctx, `return redis.call('HSET', KEYS[1])`, []string{s.key("h")}).Result()
	require.Error(s, err)
	require.ErrorIs(s, s.Eval(s.ctx, `return false`, nil).Err(), redis.Nil)
	caught, err := s.Eval(s.ctx, `local r = redis.pcall('INCR', KEYS[1]) return type(r) == 'table' and r.err ~= nil`, []string{s.stringKey()}).Bool()
	s.ok(err)
	require.True(s, caught)
}

func (s *suite) stringKey() string {
	s.ok(s.Set(s.ctx, s.key("text"), "x", 0).Err())
	return s.key("text")
}
