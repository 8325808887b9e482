package conformance

import (
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func hashIsSetAndRead(s *suite) {
	key := s.key("h")
	added, err := s.HSet(s.ctx, key, "phone", "gateway-1", "laptop", "gateway-2").Result()
	s.ok(err)
	require.EqualValues(s, 2, added)
	added, err = s.HSet(s.ctx, key, "phone", "gateway-3", "tablet", "").Result()
	s.ok(err)
	require.EqualValues(s, 1, added)
	all, err := s.HGetAll(s.ctx, key).Result()
	s.ok(err)
	require.Equal(s, map[string]string{"phone": "gateway-3", "laptop": "gateway-2", "tablet": ""}, all)
	some, err := s.HMGet(s.ctx, key, "phone", "watch").Result()
	s.ok(err)
	require.Equal(s, []any{"gateway-3", nil}, some)
	set, err := s.HSetNX(s.ctx, key, "phone", "late").Result()
	s.ok(err)
	require.False(s, set)
	removed, err := s.HDel(s.ctx, key, "phone", "laptop", "tablet", "watch").Result()
	s.ok(err)
	require.EqualValues(s, 3, removed)
	exists, err := s.Exists(s.ctx, key).Result()
	s.ok(err)
	require.Zero(s, exists, "an empty hash is gone")
}

func hashCounts(s *suite) {
	key := s.key("h")
	for want := range int64(3) {
		got, err := s.HIncrBy(s.ctx, key, "unread", 1).Result()
		s.ok(err)
		require.Equal(s, want+1, got)
	}
	got, err := s.IncrBy(s.ctx, s.key("n"), 5).Result()
	s.ok(err)
	require.EqualValues(s, 5, got)
}

func setIfAbsent(s *suite) {
	key := s.key("s")
	set, err := s.SetNX(s.ctx, key, "first", time.Minute).Result()
	s.ok(err)
	require.True(s, set)
	set, err = s.SetNX(s.ctx, key, "second", time.Minute).Result()
	s.ok(err)
	require.False(s, set)
	value, err := s.Get(s.ctx, key).Result()
	s.ok(err)
	require.Equal(s, "first", value)
	ttl, err := s.PTTL(s.ctx, key).Result()
	s.ok(err)
	require.InDelta(s, time.Minute, ttl, float64(5*time.Second))
	added, err := s.SAdd(s.ctx, s.key("members"), "a", "b", "a").Result()
	s.ok(err)
	require.EqualValues(s, 2, added)
}

func keysExpire(s *suite) {
	const life = 300 * time.Millisecond
	born := time.Now()
	s.ok(s.Set(s.ctx, s.key("s"), "x", life).Err())
	s.ok(s.HSet(s.ctx, s.key("h"), "f", "v").Err())
	expires, err := s.PExpire(s.ctx, s.key("h"), life).Result()
	s.ok(err)
	require.True(s, expires)
	s.ok(s.Set(s.ctx, s.key("forever"), "x", 0).Err())
	require.EqualValues(s, 3, s.count())

	require.Eventually(s, func() bool { return s.count() == 1 }, 10*time.Second, 5*time.Millisecond)
	require.GreaterOrEqual(s, time.Since(born), life-50*time.Millisecond)
	require.Less(s, time.Since(born), life+time.Second)
	all, err := s.HGetAll(s.ctx, s.key("h")).Result()
	s.ok(err)
	require.Empty(s, all)
}

func (s *suite) count() int64 {
	n, err := s.Exists(s.ctx, s.key("s"), s.key("h"), s.key("forever")).Result()
	s.ok(err)
	return n
}

func expiryRenewed(s *suite) {
	key := s.key("s")
	s.ok(s.Set(s.ctx, key, "x", time.Second).Err())
	s.ok(s.Expire(s.ctx, key, time.Minute).Err())
	ttl, err := s.TTL(s.ctx, key).Result()
	s.ok(err)
	require.InDelta(s, time.Minute, ttl, float64(5*time.Second))
	expires, err := s.Expire(s.ctx, s.key("nothing"), time.Minute).Result()
	s.ok(err)
	require.False(s, expires)
	s.ok(s.PExpire(s.ctx, key, -time.Second).Err())
	exists, err := s.Exists(s.ctx, key).Result()
	s.ok(err)
	require.Zero(s, exists, "an expiry in the past deletes")
}

func writesAndExpiry(s *suite) {
	hash, text := s.key("h"), s.key("s")
	s.ok(s.HSet(s.ctx, hash, "a", "1").Err())
	s.ok(s.Expire(s.ctx, hash, time.Minute).Err())
	s.ok(s.HSet(s.ctx, hash, "b", "2").Err())
	require.Positive(s, s.PTTL(s.ctx, hash).Val(), "HSET keeps the expiry")
	s.ok(s.Set(s.ctx, text, "x", time.Minute).Err())
	s.ok(s.Set(s.ctx, text, "y", 0).Err())
	require.EqualValues(s, -1, s.PTTL(s.ctx, text).Val(), "SET clears it")
	s.ok(s.Set(s.ctx, text, "x", time.Minute).Err())
	s.ok(s.Set(s.ctx, text, "y", redis.KeepTTL).Err())
	require.Positive(s, s.PTTL(s.ctx, text).Val(), "SET KEEPTTL keeps it")
	s.ok(s.Persist(s.ctx, text).Err())
	require.EqualValues(s, -1, s.PTTL(s.ctx, text).Val())
}

func timeGoesOn(s *suite) {
	first, err := s.Time(s.ctx).Result()
	s.ok(err)
	require.Eventually(s, func() bool {
		now, err := s.Time(s.ctx).Result()
		return err == nil && now.Sub(first) >= 20*time.Millisecond
	}, 10*time.Second, time.Millisecond)
}

func wrongTypeRefused(s *suite) {
	key := s.key("s")
	s.ok(s.Set(s.ctx, key, "text", 0).Err())
	for _, err := range []error{
		s.ZAdd(s.ctx, key, redis.Z{Member: "m"}).Err(), s.HSet(s.ctx, key, "f", "v").Err(), s.HGetAll(s.ctx, key).Err(), s.ZRevRange(s.ctx, key, 0, 1).Err(),
	} {
		require.ErrorContains(s, err, "WRONGTYPE")
	}
	require.ErrorContains(s, s.Incr(s.ctx, key).Err(), "not an integer")
}

func absentKeys(s *suite) {
	key := s.key("nothing")
	_, err := s.Get(s.ctx, key).Result()
	require.ErrorIs(s, err, redis.Nil)
	_, err = s.HGet(s.ctx, key, "f").Result()
	require.ErrorIs(s, err, redis.Nil)
	all, err := s.HGetAll(s.ctx, key).Result()
	s.ok(err)
	require.Empty(s, all)
	members, err := s.ZRevRange(s.ctx, key, 0, -1).Result()
	s.ok(err)
	require.Empty(s, members)
	require.EqualValues(s, -2, s.PTTL(s.ctx, key).Val())
}
