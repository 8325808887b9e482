package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/chatlab/chatlab/system/chat"
)

// DefaultPresenceTTL is how long a device is online after its last sign of life (document).
const DefaultPresenceTTL = time.Minute

// MaxEpoch bounds epochs: Lua compares them as float64.
const MaxEpoch = 1 << 53

// Device is one device of a user that is online.
type Device struct {
	User    chat.ID
	Name    string
	Gateway string
	Epoch   int64 // of its connection; a larger one is newer
}

// Presence is who is online, and where: a hash presence:{user} with a field per device, whose value is
// gateway|epoch|expiry in milliseconds of Redis's own clock. Only that clock decides what has expired.
type Presence struct {
	client *Client
	ttl    time.Duration
	touch  script
}

// NewPresence makes the store; ttl is DefaultPresenceTTL when 0.
func NewPresence(c *Client, ttl time.Duration) *Presence {
	return &Presence{c, cmp.Or(ttl, DefaultPresenceTTL), newScript(touchSource)}
}

// touchSource enters, renews or removes one device for each key, unless a newer epoch of the device is there, and
// removes what has expired. The last argument is sinceKey. Its answer has a 1 for each key where no newer epoch stood in
// the way. A batch needs all its keys on one node: presence is one Redis with replicas, not a cluster.
const touchSource = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local ttl = tonumber(ARGV[1])
local answer = {}
if ttl > 0 then
	redis.call('SET', ARGV[#ARGV], string.format('%.0f', now), 'NX')
end
for n, key in ipairs(KEYS) do
	local device, gateway, epoch = ARGV[3*n-1], ARGV[3*n], ARGV[3*n+1]
	local last, newer = 0, false
	local fields = redis.call('HGETALL', key)
	for i = 1, #fields, 2 do
		local its, expiry = string.match(fields[i+1], '|(%d+)|(%d+)$')
		its, expiry = tonumber(its), tonumber(expiry)
		if not expiry or expiry <= now then
			redis.call('HDEL', key, fields[i])
		elseif fields[i] ~= device then
			last = math.max(last, expiry)
		elseif its > tonumber(epoch) then
			last, newer = math.max(last, expiry), true
		end
	end
	if not newer and ttl > 0 then
		last = math.max(last, now + ttl)
		redis.call('HSET', key, device, gateway .. '|' .. epoch .. '|' .. string.format('%.0f', now + ttl))
	elseif not newer then
		redis.call('HDEL', key, device)
	end
	if last > now then
		redis.call('PEXPIRE', key, string.format('%.0f', last - now))
	end
	answer[n] = newer and 0 or 1
end
return answer`

// Announce enters a device. It answers false, and changes nothing, if a newer epoch of it is online.
func (p *Presence) Announce(ctx context.Context, d Device) (current bool, err error) {
	r, err := p.touchAll(ctx, p.ttl, []Device{d})
	if err != nil {
		return false, fmt.Errorf("announce device: %w", err)
	}
	return r[0], nil
}

// Refresh renews many devices and enters those that Redis has forgotten. It answers for each whether it is current, as
// Announce does.
func (p *Presence) Refresh(ctx context.Context, ds []Device) (current []bool, err error) {
	if current, err = p.touchAll(ctx, p.ttl, ds); err != nil {
		return nil, fmt.Errorf("refresh %d devices: %w", len(ds), err)
	}
	return current, nil
}

// Leave removes a device, unless a newer epoch of it is online.
func (p *Presence) Leave(ctx context.Context, d Device) error {
	if _, err := p.touchAll(ctx, 0, []Device{d}); err != nil {
		return fmt.Errorf("remove device: %w", err)
	}
	return nil
}

// touchChunk bounds how long one script keeps Redis from others: about a millisecond.
const touchChunk = 100

func (p *Presence) touchAll(ctx context.Context, ttl time.Duration, ds []Device) ([]bool, error) {
	var calls []call
	for chunk := range slices.Chunk(ds, touchChunk) {
		c := call{args: []any{ttl.Milliseconds()}}
		for _, d := range chunk {
			if d.Epoch < 1 || d.Epoch > MaxEpoch {
				return nil, fmt.Errorf("epoch %d is out of range", d.Epoch)
			}
			c.keys = append(c.keys, presenceKey(d.User))
			c.args = append(c.args, d.Name, d.Gateway, d.Epoch)
		}
		c.args = append(c.args, sinceKey)
		calls = append(calls, c)
	}
	if len(calls) == 0 {
		return nil, nil
	}
	cmds, err := p.client.run(ctx, p.touch, calls...)
	if err != nil {
		return nil, err
	}
	current := make([]bool, 0, len(ds))
	for _, cmd := range cmds {
		answer, err := cmd.BoolSlice()
		if err != nil {
			return nil, err
		}
		current = append(current, answer...)
	}
	return current, nil
}

// sinceKey holds when the first device entered, in milliseconds: a store that lost everything begins anew.
const sinceKey = "presence-since"

// Found is what presence knows of users.
type Found struct {
	Devices map[chat.ID][]Device // that are online; users without any are absent
	Whole   bool                 // the store is older than the TTL, so it knows every device that lives
}

// Lookup returns the devices that are online, by user.
func (p *Presence) Lookup(ctx context.Context, users []chat.ID) (map[chat.ID][]Device, error) {
	found, err := p.Find(ctx, users)
	return found.Devices, err
}

// Find asks for many users in one round trip.
func (p *Presence) Find(ctx context.Context, users []chat.ID) (Found, error) {
	pipe := p.client.db.Pipeline()
	now, since := pipe.Time(ctx), pipe.Get(ctx, sinceKey)
	hashes := make([]*goredis.MapStringStringCmd, len(users))
	for i, u := range users {
		hashes[i] = pipe.HGetAll(ctx, presenceKey(u))
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, goredis.Nil) { // Nil: nobody has entered yet
		return Found{}, fmt.Errorf("look up %d users: %w", len(users), err)
	}
	found := make(map[chat.ID][]Device, len(users))
	for i, u := range users {
		if err := hashes[i].Err(); err != nil {
			return Found{}, fmt.Errorf("look up %d users: %w", len(users), err)
		}
		if ds := online(u, hashes[i].Val(), now.Val()); len(ds) > 0 {
			found[u] = ds
		}
	}
	born, err := since.Int64()
	return Found{found, err == nil && now.Val().UnixMilli()-born >= p.ttl.Milliseconds()}, nil
}

// LookupOne returns the devices of one user that are online.
func (p *Presence) LookupOne(ctx context.Context, user chat.ID) ([]Device, error) {
	found, err := p.Lookup(ctx, []chat.ID{user})
	return found[user], err
}

// Ready proves that Redis takes writes.
func (p *Presence) Ready(ctx context.Context) error { return p.client.Ping(ctx) }

func presenceKey(user chat.ID) string { return "presence:" + user.String() }

func online(user chat.ID, fields map[string]string, now time.Time) (ds []Device) {
	for name, value := range fields {
		d, expiry, ok := parseDevice(value)
		if ok && expiry > now.UnixMilli() {
			d.User, d.Name = user, name
			ds = append(ds, d)
		}
	}
	slices.SortFunc(ds, func(a, b Device) int { return strings.Compare(a.Name, b.Name) })
	return ds
}

func parseDevice(value string) (d Device, expiry int64, ok bool) {
	rest, text, ok := cutLast(value)
	if !ok {
		return d, 0, false
	}
	gateway, epoch, ok := cutLast(rest)
	if !ok {
		return d, 0, false
	}
	expiry, err1 := strconv.ParseInt(text, 10, 64)
	number, err2 := strconv.ParseInt(epoch, 10, 64)
	return Device{Gateway: gateway, Epoch: number}, expiry, err1 == nil && err2 == nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '|')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}
