package redis

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/chatlab/chatlab/system/chat"
)

const (
	// CacheSize is how many messages of a conversation are cached (document).
	CacheSize = 100
	// DefaultCacheTTL is how long a conversation is cached after its last message (document).
	DefaultCacheTTL = time.Hour
)

// Cache is the newest messages of each conversation: a sorted set conv:{id}:msgs, scored by seq where the write path
// gives one and by creation time where it does not.
//
// With seqs it answers only what storage would: a run without gaps, from a set that a reader has filled since it came
// to life. Adds alone prove nothing: after an eviction they may come from a worker that repeats old records. What the
// cache cannot know is a message that nobody added: whoever stored a message and failed to Add it must Drop before the
// next Add. Without seqs it answers whatever it has, as the document does.
type Cache struct {
	client *Client
	ttl    time.Duration
	lives  *lives
	mark   script
	fill   script
}

// NewCache makes the cache; ttl is DefaultCacheTTL when 0.
func NewCache(c *Client, ttl time.Duration) *Cache {
	return &Cache{c, cmp.Or(ttl, DefaultCacheTTL), newLives(), newScript(markSource), newScript(fillSource)}
}

// Add puts messages of one conversation into the cache. The same message again changes nothing. After an error any of
// them may be missing.
func (c *Cache) Add(ctx context.Context, conv chat.ID, ms ...chat.Message) error {
	if len(ms) == 0 {
		return nil
	}
	_, err := c.client.db.Pipelined(ctx, func(p goredis.Pipeliner) error {
		c.add(ctx, p, conv, ms)
		return nil
	})
	if err != nil {
		return fmt.Errorf("cache %d messages: %w", len(ms), err)
	}
	return nil
}

// AddAll does what Add does for messages of any conversations, in one round trip.
func (c *Cache) AddAll(ctx context.Context, ms []chat.Message) error {
	byConv := map[chat.ID][]chat.Message{}
	for _, m := range ms {
		byConv[m.ConversationID] = append(byConv[m.ConversationID], m)
	}
	_, err := c.client.db.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for conv, of := range byConv {
			c.add(ctx, p, conv, of)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cache %d messages: %w", len(ms), err)
	}
	return nil
}

// add is no transaction, which the client would not repeat: a reader who comes in between sees a set that is too long.
func (c *Cache) add(ctx context.Context, p goredis.Pipeliner, conv chat.ID, ms []chat.Message) {
	zs := make([]goredis.Z, len(ms))
	for i, m := range ms {
		zs[i] = goredis.Z{Score: score(m), Member: encodeMember(m)}
	}
	key := cacheKey(conv)
	p.ZAdd(ctx, key, zs...)
	p.ZRemRangeByRank(ctx, key, 0, -CacheSize-2) // leaves CacheSize and the mark of the set's life
	p.PExpire(ctx, key, c.ttl)
}

// Newest returns the newest messages in conversation order, at most limit. It is complete if storage has no other answer
// to the same question. A reader who gets less reads storage and then calls Fill, both within readWithin.
func (c *Cache) Newest(ctx context.Context, conv chat.ID, limit int) (ms []chat.Message, complete bool, err error) {
	members, err := c.client.db.ZRevRange(ctx, cacheKey(conv), 0, int64(limit)).Result()
	if err != nil {
		c.lives.saw(conv, "")
		return nil, false, fmt.Errorf("read cache: %w", err)
	}
	ms = newestRun(conv, members, limit)
	if completes(ms, limit, members) {
		return ms, true, nil
	}
	mark, err := c.markOf(ctx, conv, members)
	c.lives.saw(conv, mark)
	return ms, false, err
}

// Glance reads the newest messages of many conversations in one round trip, and returns those of the conversations of which
// it is complete as Newest is. Who reads the others from storage fills nothing.
func (c *Cache) Glance(ctx context.Context, convs []chat.ID, limit int) (map[chat.ID][]chat.Message, error) {
	cmds, err := c.client.db.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for _, conv := range convs {
			p.ZRevRange(ctx, cacheKey(conv), 0, int64(limit))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("glance at %d conversations in the cache: %w", len(convs), err)
	}
	out := map[chat.ID][]chat.Message{}
	for i, conv := range convs {
		members := cmds[i].(*goredis.StringSliceCmd).Val()
		if ms := newestRun(conv, members, limit); completes(ms, limit, members) {
			out[conv] = ms
		}
	}
	return out, nil
}

func completes(ms []chat.Message, limit int, members []string) bool {
	switch {
	case len(ms) == 0:
		return false
	case ms[0].Place.Seq == 0:
		return len(ms) == limit
	}
	return (len(ms) == limit || ms[0].Place.Seq == 1) && strings.HasPrefix(members[0], markFilled)
}

// newestRun takes members from the newest down, until limit or a gap, and returns their messages oldest first.
func newestRun(conv chat.ID, members []string, limit int) []chat.Message {
	var ms []chat.Message
	for _, text := range members {
		if len(ms) == limit || isMark(text) {
			continue
		}
		m, err := decodeMember(conv, text)
		if err != nil {
			continue // of another version: a gap
		}
		if n := len(ms); n > 0 && ms[n-1].Place.Seq > 0 {
			if m.Place.Seq == ms[n-1].Place.Seq {
				continue
			}
			if m.Place.Seq != ms[n-1].Place.Seq-1 {
				break
			}
		}
		ms = append(ms, m)
	}
	slices.Reverse(ms)
	return ms
}

// The mark of a set's life is a member above all messages: a prefix that says whether a reader filled the set, and the
// name of the life. It ends with the set.
const (
	markAlive  = "life:"
	markFilled = "full:"
)

func isMark(text string) bool {
	return strings.HasPrefix(text, markAlive) || strings.HasPrefix(text, markFilled)
}

const markSource = `
local marks = redis.call('ZRANGEBYSCORE', KEYS[1], '+inf', '+inf')
if #marks > 0 then
	return marks[1]
end
redis.call('ZADD', KEYS[1], '+inf', ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then
	redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return ARGV[1]`

// markOf returns the name of the set's life, which it begins if there is none.
func (c *Cache) markOf(ctx context.Context, conv chat.ID, members []string) (string, error) {
	if len(members) > 0 && isMark(members[0]) {
		return members[0][len(markAlive):], nil
	}
	cmds, err := c.client.run(ctx, c.mark, call{[]string{cacheKey(conv)}, []any{markAlive + rand.Text(), readWithin.Milliseconds()}})
	if err != nil {
		return "", fmt.Errorf("mark cache: %w", err)
	}
	mark, err := cmds[0].Text()
	return strings.TrimPrefix(strings.TrimPrefix(mark, markAlive), markFilled), err
}

const fillSource = `
local alive, filled = 'life:' .. ARGV[1], 'full:' .. ARGV[1]
if not redis.call('ZSCORE', KEYS[1], alive) and not redis.call('ZSCORE', KEYS[1], filled) then
	return 0
end
redis.call('ZADD', KEYS[1], '+inf', filled)
redis.call('ZREM', KEYS[1], alive)
for i = 4, #ARGV, 2 do
	redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i+1])
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`

// Fill puts the newest messages, as storage had them after a Newest that was not complete, into the cache; none means
// that storage has none. It never
// hides a message that was added since: if the set ended meanwhile, and such a message with it, it fills nothing.
func (c *Cache) Fill(ctx context.Context, conv chat.ID, ms []chat.Message) error {
	mark, ok := c.lives.of(conv)
	if !ok || mark == "" {
		return nil
	}
	args := []any{mark, -CacheSize - 2, c.ttl.Milliseconds()}
	for _, m := range ms[max(0, len(ms)-CacheSize):] {
		args = append(args, score(m), encodeMember(m))
	}
	if _, err := c.client.run(ctx, c.fill, call{[]string{cacheKey(conv)}, args}); err != nil {
		return fmt.Errorf("fill cache: %w", err)
	}
	return nil
}

// Drop removes a conversation from the cache. A Fill that read storage before it fills nothing.
func (c *Cache) Drop(ctx context.Context, conv chat.ID) error {
	if err := c.client.db.Del(ctx, cacheKey(conv)).Err(); err != nil {
		return fmt.Errorf("drop from cache: %w", err)
	}
	return nil
}

// Ready proves that Redis takes writes.
func (c *Cache) Ready(ctx context.Context) error { return c.client.Ping(ctx) }

func cacheKey(conv chat.ID) string { return "conv:" + conv.String() + ":msgs" }
