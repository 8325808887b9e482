package redis_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/redis"
)

func start(t testing.TB, config redis.Config) *redis.Server {
	server, err := redis.New(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	return server
}

func connect(t testing.TB, server *redis.Server) *driver.Client {
	client := driver.NewClient(&driver.Options{Addr: server.Addr(), MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestKilledServerRefusesAndComesBackAtItsAddress(t *testing.T) {
	for _, lose := range []bool{false, true} {
		server := start(t, redis.Config{})
		client, ctx := connect(t, server), t.Context()
		require.NoError(t, client.Set(ctx, "k", "v", 0).Err())
		sha := client.ScriptLoad(ctx, "return 1").Val()

		require.NoError(t, server.Kill(lose))
		require.Error(t, client.Get(ctx, "k").Err())
		_, err := net.Dial("tcp", server.Addr())
		require.Error(t, err)

		require.NoError(t, server.Restart())
		exists, err := client.Exists(ctx, "k").Result()
		require.NoError(t, err)
		require.Equal(t, lose, exists == 0)
		require.Equal(t, !lose, client.EvalSha(ctx, sha, nil).Err() == nil)
	}
}

func TestTimeSpentDeadCountsForExpiries(t *testing.T) {
	server := start(t, redis.Config{})
	client, ctx := connect(t, server), t.Context()
	require.NoError(t, client.Set(ctx, "k", "v", 50*time.Millisecond).Err())
	require.NoError(t, server.Kill(false))
	timer := time.NewTimer(100 * time.Millisecond)
	<-timer.C
	require.NoError(t, server.Restart())
	require.ErrorIs(t, client.Get(ctx, "k").Err(), driver.Nil)
}

func TestClosedServerStaysClosed(t *testing.T) {
	server, err := redis.New(redis.Config{})
	require.NoError(t, err)
	require.NoError(t, server.Close())
	require.NoError(t, server.Close())
	require.Error(t, server.Restart())
	require.Error(t, server.Kill(true))
}

// The driver keeps timers in a pool of the process, which must not meet a second bubble: here the protocol is spoken by hand.
func TestVirtualTimeRulesExpiriesAndTIME(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipes()
		server, err := redis.New(redis.Config{Listen: network.listen})
		require.NoError(t, err)
		conn, err := network.dial(t.Context(), "", "")
		require.NoError(t, err)
		c := &hand{T: t, conn: conn, answers: bufio.NewReader(conn)}
		require.Equal(t, "+OK", c.do("SET", "presence", "gateway-1", "PX", "60000"))
		before := c.time()

		wait(59 * time.Second)
		require.Equal(t, ":1", c.do("EXISTS", "presence"))
		require.Equal(t, ":1000", c.do("PTTL", "presence"))
		wait(time.Second)
		require.Equal(t, ":0", c.do("EXISTS", "presence"))
		require.Equal(t, before+60, c.time())

		require.NoError(t, conn.Close())
		require.NoError(t, server.Close())
	})
}

// hand speaks Redis' protocol without a driver.
type hand struct {
	*testing.T
	conn    net.Conn
	answers *bufio.Reader
}

// do sends a command and returns the first line of its answer.
func (h *hand) do(words ...string) string {
	command := fmt.Sprintf("*%d\r\n", len(words))
	for _, word := range words {
		command += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
	}
	_, err := h.conn.Write([]byte(command))
	require.NoError(h, err)
	return h.line()
}

func (h *hand) line() string {
	line, err := h.answers.ReadString('\n')
	require.NoError(h, err)
	return strings.TrimSpace(line)
}

// time is the whole seconds of TIME, whose answer has five lines.
func (h *hand) time() int {
	require.Equal(h, "*2", h.do("TIME"))
	h.line()
	seconds, err := strconv.Atoi(h.line())
	require.NoError(h, err)
	h.line()
	h.line()
	return seconds
}

func wait(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
}

// pipes is the smallest network that works in a bubble: one listener whose connections are net.Pipes.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) listen(string, string) (net.Listener, error) { return p, nil }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 6379} }

func BenchmarkHeartbeatAmong10000Keys(b *testing.B) {
	client, ctx := connect(b, start(b, redis.Config{})), context.Background()
	pipeline := client.Pipeline()
	for i := range 10_000 {
		pipeline.Set(ctx, "presence:"+time.Duration(i).String(), "gateway-1", time.Minute)
	}
	_, err := pipeline.Exec(ctx)
	require.NoError(b, err)
	for b.Loop() {
		require.NoError(b, client.Expire(ctx, "presence:1ns", time.Minute).Err())
	}
}

func TestFrozenServerAcceptsAndAnswersWhenItGoesOn(t *testing.T) {
	server := start(t, redis.Config{})
	client := connect(t, server)
	require.NoError(t, client.Ping(t.Context()).Err())
	server.Freeze()
	conn, err := net.Dial("tcp", server.Addr())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("*1\r\n$4\r\nPING\r\n"))
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	server.Thaw()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "+PONG\r\n", line)

	server.Freeze()
	require.NoError(t, server.Kill(false))
	require.NoError(t, server.Restart())
	require.NoError(t, connect(t, server).Ping(t.Context()).Err(), "who is killed while frozen comes back awake")
}

func TestEvictionDropsAShareOfTheKeys(t *testing.T) {
	server := start(t, redis.Config{})
	client, ctx := connect(t, server), t.Context()
	for _, share := range []struct{ percent, left int }{{50, 50}, {1, 49}, {100, 0}, {100, 0}} {
		if share.percent == 50 {
			for n := range 100 {
				require.NoError(t, client.RPush(ctx, fmt.Sprint("key-", n), "v").Err())
			}
		}
		server.Evict(share.percent)
		left, err := client.DBSize(ctx).Result()
		require.NoError(t, err)
		require.EqualValues(t, share.left, left)
	}
}
