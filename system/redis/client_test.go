package redis

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/test/bufconn"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/transport"
)

func TestPingWritesAndReads(t *testing.T) {
	s := newServer(t)
	require.NoError(t, s.client.Ping(t.Context()))
	require.NoError(t, NewCache(s.client, 0).Ready(t.Context()))
	require.NoError(t, NewPresence(s.client, 0).Ready(t.Context()))
	if s.mini != nil {
		assert.Empty(t, s.mini.Keys(), "it leaves nothing behind")
	}
}

func TestDialsThroughTheNetwork(t *testing.T) {
	mini := miniredis.RunT(t)
	c := NewClient(Config{Address: "cache:6379", Network: transport.Network{Names: map[string]string{"cache:6379": mini.Addr()}}})
	defer c.Close()
	require.NoError(t, c.Ping(t.Context()))
	mini.Close()
	require.Error(t, c.Ping(t.Context()))
}

// A Redis that accepts and never answers costs every caller less than a second, and a caller's own deadline holds.
func TestAFrozenRedisIsCheap(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var conns sync.WaitGroup
	defer conns.Wait()
	defer l.Close()
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { _, _ = c.Read(make([]byte, 1<<16)); _, _ = c.Read(make([]byte, 1<<16)); c.Close() })
		}
	})
	c := NewClient(Config{Address: l.Addr().String()})
	defer c.Close()
	start := time.Now()
	_, err = NewPresence(c, 0).LookupOne(t.Context(), chat.NewID())
	require.Error(t, err)
	assert.Less(t, time.Since(start), time.Second)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start = time.Now()
	_, _, err = NewCache(c, 0).Newest(ctx, chat.NewID(), 10)
	require.Error(t, err)
	assert.Less(t, time.Since(start), 300*time.Millisecond, "sooner than one attempt")
}

// In virtual time a device that falls silent is gone when its TTL has passed.
func TestInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mini := miniredis.NewMiniRedis()
		unused, err := mini.Dial() // makes it serve without a listener
		require.NoError(t, err)
		unused.Close()
		defer mini.Close()
		pipe := bufconn.Listen(1 << 16)
		var serving sync.WaitGroup
		serving.Go(func() {
			for {
				c, err := pipe.Accept()
				if err != nil {
					return
				}
				mini.Server().ServeConn(c)
			}
		})
		defer serving.Wait()
		defer pipe.Close()
		c := NewClient(Config{Network: transport.Network{
			DialFunc: func(ctx context.Context, _, _ string) (net.Conn, error) { return pipe.DialContext(ctx) },
		}})
		defer c.Close()
		p := NewPresence(c, 0)
		alice := chat.NewID()
		_, err = p.Announce(t.Context(), Device{alice, "phone", "g", 1})
		require.NoError(t, err)
		for _, want := range []int{1, 1, 0} {
			one, err := p.LookupOne(t.Context(), alice)
			require.NoError(t, err)
			require.Len(t, one, want)
			<-time.After(30 * time.Second)
		}
		require.NoError(t, c.Ping(t.Context()))
	})
}
