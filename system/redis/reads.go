package redis

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// DefaultReadsTTL is how long what is cached of a user's reading lives. It is not prolonged: a value that lacks an update
// which got lost is wrong for at most as long.
const DefaultReadsTTL = 10 * time.Minute

// Reads caches up to which seq a user has read: a hash reads:{user} with a field per conversation. Storage has the truth;
// a field that is missing is read there and put in with Raise, which never lowers one.
type Reads struct {
	client *Client
	ttl    time.Duration
	raise  script
}

// NewReads makes the cache; ttl is DefaultReadsTTL when 0.
func NewReads(c *Client, ttl time.Duration) *Reads {
	return &Reads{c, cmp.Or(ttl, DefaultReadsTTL), newScript(raiseSource)}
}

const raiseSource = `
for i = 2, #ARGV, 2 do
	local old = redis.call('HGET', KEYS[1], ARGV[i])
	if not old or tonumber(old) < tonumber(ARGV[i+1]) then
		redis.call('HSET', KEYS[1], ARGV[i], ARGV[i+1])
	end
end
if redis.call('PTTL', KEYS[1]) < 0 then
	redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return 1`

// ReadMark is up to where a user has read a conversation.
type ReadMark struct {
	User, Conversation chat.ID
	Seq                int64
}

// Raise notes marks, unless higher ones are there.
func (r *Reads) Raise(ctx context.Context, marks ...ReadMark) error {
	if len(marks) == 0 {
		return nil
	}
	args := map[chat.ID][]any{}
	for _, m := range marks {
		if args[m.User] == nil {
			args[m.User] = []any{r.ttl.Milliseconds()}
		}
		args[m.User] = append(args[m.User], m.Conversation.String(), m.Seq)
	}
	calls := make([]call, 0, len(args))
	for user, a := range args {
		calls = append(calls, call{[]string{readsKey(user)}, a})
	}
	if _, err := r.client.run(ctx, r.raise, calls...); err != nil {
		return fmt.Errorf("cache %d reads: %w", len(marks), err)
	}
	return nil
}

// Of returns the seqs that are cached for a user, by conversation; others are missing.
func (r *Reads) Of(ctx context.Context, user chat.ID, conversations []chat.ID) (map[chat.ID]int64, error) {
	if len(conversations) == 0 {
		return nil, nil
	}
	fields := make([]string, len(conversations))
	for i, c := range conversations {
		fields[i] = c.String()
	}
	values, err := r.client.db.HMGet(ctx, readsKey(user), fields...).Result()
	if err != nil {
		return nil, fmt.Errorf("read cached reads: %w", err)
	}
	out := make(map[chat.ID]int64, len(values))
	for i, v := range values {
		text, _ := v.(string)
		if seq, err := strconv.ParseInt(text, 10, 64); err == nil {
			out[conversations[i]] = seq
		}
	}
	return out, nil
}

func readsKey(user chat.ID) string { return "reads:" + user.String() }
