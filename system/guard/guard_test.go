package guard

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
)

func request(from string, forwarded ...string) *http.Request {
	return &http.Request{RemoteAddr: from, Header: http.Header{"X-Forwarded-For": forwarded}}
}

func TestWhoAsks(t *testing.T) {
	a, err := New(Config{Trusted: []string{"10.0.0.0/8", "fd00::/8"}})
	require.NoError(t, err)
	for _, c := range []struct {
		name, from string
		forwarded  []string
		want       string
	}{
		{"nobody between", "192.0.2.1:5", nil, "192.0.2.1"},
		{"a stranger's claim", "192.0.2.1:5", []string{"198.51.100.7"}, "192.0.2.1"},
		{"behind a proxy", "10.1.1.1:5", []string{"198.51.100.7"}, "198.51.100.7"},
		{"behind two", "10.1.1.1:5", []string{"198.51.100.7, 10.2.2.2"}, "198.51.100.7"},
		{"a claim before the proxy's", "10.1.1.1:5", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
		{"in two headers", "10.1.1.1:5", []string{"1.1.1.1", "198.51.100.7"}, "198.51.100.7"},
		{"the proxy itself", "10.1.1.1:5", nil, "10.1.1.1"},
		{"nonsense from a proxy", "10.1.1.1:5", []string{"unknown"}, "10.1.1.1"},
		{"IPv6 proxy, with ports", "[fd00::1]:5", []string{"[2001:db8::1]:99"}, "2001:db8::1"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:5", nil, "192.0.2.1"},
		{"no address", "@", nil, "invalid IP"},
	} {
		require.Equal(t, c.want, a.client(request(c.from, c.forwarded...)).String(), c.name)
	}
}

func TestAnAddressIsHeldBack(t *testing.T) {
	now, r := time.Unix(1000, 0), prometheus.NewRegistry()
	a, err := New(Config{PerSecond: 2, Now: func() time.Time { return now }, Metrics: r})
	require.NoError(t, err)
	for range 4 {
		require.Nil(t, a.Admit(request("192.0.2.1:1")))
	}
	e := a.Admit(request("192.0.2.1:2"))
	require.Equal(t, chat.CodeAddressLimit, e.Code)
	require.InDelta(t, 500*time.Millisecond, e.RetryAfter, float64(time.Millisecond))
	require.Nil(t, a.Admit(request("192.0.2.2:1")), "another is not")
	now = now.Add(e.RetryAfter)
	require.Nil(t, a.Admit(request("192.0.2.1:3")), "after the time it was told")
	require.EqualValues(t, 1, testutil.ToFloat64(a.refused))

	for range 4 {
		require.Nil(t, a.Admit(request("[2001:db8:0:1::1]:1")))
	}
	require.NotNil(t, a.Admit(request("[2001:db8:0:1::2]:1")), "one subscriber has a whole /64")
	require.Nil(t, a.Admit(request("[2001:db8:0:2::1]:1")))
}

func TestNoLimitAndBadLimits(t *testing.T) {
	a, err := New(Config{})
	require.NoError(t, err)
	for range 1000 {
		require.Nil(t, a.Admit(request("192.0.2.1:1")))
	}
	require.Nil(t, (*Addresses)(nil).Admit(request("192.0.2.1:1")))
	_, err = New(Config{PerSecond: -1})
	require.ErrorContains(t, err, "address rate")
	_, err = New(Config{Trusted: []string{"10.0.0.1"}})
	require.ErrorContains(t, err, "10.0.0.1")
}

func TestAListenerHoldsSoManyConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	b := NewBound(l, 2)
	defer b.Close()
	taken := make(chan net.Conn, 8)
	go func() {
		for {
			c, err := b.Accept()
			if err != nil {
				return
			}
			taken <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	dial()
	dial()
	first := <-taken
	defer (<-taken).Close()
	surplus := dial()
	require.NoError(t, surplus.SetReadDeadline(time.Now().Add(5*time.Second)))
	_, err = surplus.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	require.EqualValues(t, 1, b.Closed.Load())
	require.NoError(t, first.Close())
	require.Error(t, first.Close(), "twice makes room once")
	dial()
	defer (<-taken).Close()
	require.EqualValues(t, 2, b.open.Load())
}
