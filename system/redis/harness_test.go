package redis

import (
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// server is the Redis under test: miniredis, or a real one at CHATLAB_REDIS=host:port.
type server struct {
	client *Client
	mini   *miniredis.Miniredis // nil: real
	now    time.Time
}

func newServer(t testing.TB) *server {
	s := &server{now: time.Now()}
	address := os.Getenv("CHATLAB_REDIS")
	if address == "" {
		s.mini = miniredis.RunT(t)
		s.mini.SetTime(s.now)
		address = s.mini.Addr()
	}
	o := options(Config{Address: address})
	o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = 10*time.Second, 10*time.Second, 10*time.Second // what is tested here is not the machine
	s.client = &Client{goredis.NewClient(o)}
	t.Cleanup(func() { require.NoError(t, s.client.Close()) })
	return s
}

// pass lets time go by for the server.
func (s *server) pass(d time.Duration) {
	if s.mini == nil {
		<-time.After(d)
		return
	}
	s.now = s.now.Add(d)
	s.mini.SetTime(s.now)
	s.mini.FastForward(d)
}
