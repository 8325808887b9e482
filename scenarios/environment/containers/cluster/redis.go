package cluster

import (
	"context"
	"fmt"
	"net"

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
	r := redis.NewClient(&redis.Options{
		Addr:   s.Announced,
		Dialer: c.dial,
	})
	defer r.Close()
	return r.Ping(ctx).Err()
}

// dial leads from an announced address to where its server is.
func (c *Cluster) dial(ctx context.Context, network, address string) (net.Conn, error) {
	to, ok := c.Routes()[address]
	if !ok {
		return nil, fmt.Errorf("dial %s: no server announces that", address)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, to)
}
