package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// Limits holds back users who send too fast, for all pods together. It is a token bucket by the virtual scheduling
// algorithm (GCRA), at Redis's own clock: a sorted set limit:{user} has a member for each send that is not yet paid off,
// scored by the moment in microseconds at which it is. The highest score is all that the algorithm needs; the others
// make a retry free, as long as its first attempt is owed for. After that the bucket is full enough not to notice.
//
// A set holds at most Burst members and ends when the last one is paid off, so memory follows those who sent lately.
type Limits struct {
	client   *Client
	interval time.Duration // in which a token is gained
	burst    int
	take     script
}

// NewLimits makes the limit: burst sends at once, and perSecond in the long run.
func NewLimits(c *Client, perSecond float64, burst int) *Limits {
	return &Limits{c, time.Duration(float64(time.Second) / perSecond), burst, newScript(takeSource)}
}

// takeSource takes a token for one send and answers 0, or the microseconds after which there will be one. Debts that
// nobody can have, because the clock was set back as by a failover, are forgiven: they would hold the user until then.
const takeSource = `
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local interval, burst = tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('(%.0f', now + burst * interval), '+inf')
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
	return 0
end
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
local paid = math.max(now, tonumber(last[2] or now)) + interval
local wait = paid - burst * interval - now
if wait > 0 then
	return wait
end
redis.call('ZADD', KEYS[1], string.format('%.0f', paid), ARGV[1])
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil((paid - now) / 1000)))
return 0`

// Take takes a token of the user for the send with this client_msg_id. If there is none it says after what time there
// will be one. After an error the token may have been taken; the same send is then free.
func (l *Limits) Take(ctx context.Context, user, clientMsgID chat.ID) (retryAfter time.Duration, ok bool, err error) {
	cmds, err := l.client.run(ctx, l.take, call{[]string{limitKey(user)}, []any{clientMsgID[:], l.interval.Microseconds(), l.burst}})
	if err != nil {
		return 0, false, fmt.Errorf("take token: %w", err)
	}
	wait, err := cmds[0].Int64()
	if err != nil {
		return 0, false, fmt.Errorf("take token: %w", err)
	}
	return time.Duration(wait) * time.Microsecond, wait == 0, nil
}

func limitKey(user chat.ID) string { return "limit:" + user.String() }
