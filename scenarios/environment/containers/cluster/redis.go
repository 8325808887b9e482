package cluster

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

const redisMemory = 96 << 20

// memories describes two Redis servers: one may forget what is not used, the other must not.
func memories(image string, n *network) (out []*Server, err error) {
	addresses := n.addresses(30, 2)
	for i, r := range []struct{ name, eviction string }{{"redis-cache", "allkeys-lru"}, {"redis-presence", "noeviction"}} {
		s := &Server{
			Kind: Redis, Name: r.name, Announced: r.name + ":6379",
			ip: addresses[i], image: image, user: "redis", port: 6379, memory: redisMemory,
			command: []string{"redis-server", "/chatlab/redis.conf"},
		}
		if s.files, err = rendered(struct{ Eviction string }{r.eviction}, "redis.conf"); err != nil {
			return nil, err
		}
		s.answers = s.redisAnswers
		out = append(out, s)
	}
	return out, nil
}

func (s *Server) redisAnswers(ctx context.Context, c *Cluster) error {
	r := redis.NewClient(&redis.Options{Addr: s.Announced, Dialer: c.Dial})
	defer r.Close()
	return r.Ping(ctx).Err()
}

// Evict drops a share of the keys that a Redis server holds.
func (c *Cluster) Evict(ctx context.Context, name string, percent int) error {
	s, err := c.server(name)
	if err != nil {
		return fmt.Errorf("evict: %w", err)
	}
	r := redis.NewClient(&redis.Options{Addr: s.Announced, Dialer: c.Dial})
	defer r.Close()
	keys, seen := r.Scan(ctx, 0, "", 1000).Iterator(), 0
	for keys.Next(ctx) {
		if seen++; seen*percent/100 == (seen-1)*percent/100 {
			continue
		}
		if err := r.Del(ctx, keys.Val()).Err(); err != nil {
			return fmt.Errorf("evict from %s: %w", name, err)
		}
	}
	if err := keys.Err(); err != nil {
		return fmt.Errorf("evict from %s: %w", name, err)
	}
	return nil
}
