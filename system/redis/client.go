// Package redis keeps presence and the message cache in Redis through go-redis.
package redis

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

// Config says where a Redis is.
type Config struct {
	Address string // name or address, looked up in Network.Names
	Network transport.Network
	Limiter goredis.Limiter // nil, or a circuit breaker around every command
}

// Client shares connections to one Redis.
type Client struct{ db *goredis.Client }

// NewClient makes a client; it dials when it is first used. A frozen Redis costs a command well under a second, two
// attempts included. All commands of this package may be repeated, so one retry is always right.
func NewClient(cfg Config) *Client {
	db := goredis.NewClient(options(cfg))
	db.AddHook(bounded{resilience.Redis.Overall()})
	return &Client{db}
}

func options(cfg Config) *goredis.Options {
	policy := resilience.Redis.Policy()
	return &goredis.Options{
		Addr:                     cfg.Address,
		Dialer:                   cfg.Network.Dial,
		Limiter:                  cfg.Limiter,
		Protocol:                 2, // pushes from the server are not used
		ContextTimeoutEnabled:    true,
		DialTimeout:              resilience.RedisConnect.Timeout(),
		DialerRetries:            resilience.RedisConnect.Policy().Attempts,
		ReadTimeout:              policy.Timeout,
		WriteTimeout:             policy.Timeout,
		MaxRetries:               policy.Attempts - 1,
		MaxRetryBackoff:          policy.Backoff.Max,
		PoolSize:                 policy.InFlight,
		PoolTimeout:              policy.Slot,
		PipelinePoolSize:         -1, // pipelines use the same connections
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// bounded ends a command, with its waiting for a connection and its retry, after so long.
type bounded struct{ within time.Duration }

func (b bounded) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (b bounded) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		ctx, cancel := context.WithTimeout(ctx, b.within)
		defer cancel()
		return next(ctx, cmd)
	}
}

func (b bounded) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		ctx, cancel := context.WithTimeout(ctx, b.within)
		defer cancel()
		return next(ctx, cmds)
	}
}

// Close ends all connections.
func (c *Client) Close() error { return c.db.Close() }

// Ping proves that Redis takes writes and gives them back, which a replica or a full Redis does not.
func (c *Client) Ping(ctx context.Context) error {
	key, want := "ready:"+rand.Text(), rand.Text()
	p := c.db.Pipeline()
	p.Set(ctx, key, want, time.Second)
	got := p.Get(ctx, key)
	p.Del(ctx, key)
	if _, err := p.Exec(ctx); err != nil {
		return fmt.Errorf("ping redis: %w", err)
	}
	if got.Val() != want {
		return fmt.Errorf("ping redis: wrote %q, read %q", want, got.Val())
	}
	return nil
}

// script is Lua that Redis runs as one step.
type script struct{ source, sha string }

func newScript(source string) script {
	sum := sha1.Sum([]byte(source))
	return script{source, hex.EncodeToString(sum[:])}
}

// call is one run of a script.
type call struct {
	keys []string
	args []any
}

// run makes all calls in one pipeline. A Redis that lost its scripts, as after a restart, is given this one again.
func (c *Client) run(ctx context.Context, s script, calls ...call) ([]*goredis.Cmd, error) {
	cmds, err := c.try(ctx, s, calls)
	if !goredis.HasErrorPrefix(err, "NOSCRIPT") {
		return cmds, err
	}
	if err := c.db.ScriptLoad(ctx, s.source).Err(); err != nil {
		return nil, err
	}
	return c.try(ctx, s, calls)
}

func (c *Client) try(ctx context.Context, s script, calls []call) ([]*goredis.Cmd, error) {
	cmds := make([]*goredis.Cmd, len(calls))
	p := c.db.Pipeline()
	for i, call := range calls {
		cmds[i] = p.EvalSha(ctx, s.sha, call.keys, call.args...)
	}
	_, err := p.Exec(ctx)
	return cmds, err
}
