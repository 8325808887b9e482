package network_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/chaos/relay"
	"github.com/chatlab/chatlab/sim/network"
)

// The relay of the lab runs in a bubble, on this network, with exact times.
func TestRelayInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, network.Config{})
		host := r.Host("relay")
		link, err := relay.New(relay.Config{From: "client", To: "server", Target: "server:80", Listen: host.Listen, Dial: host.DialContext})
		require.NoError(t, err)
		link.SetLatency(30*time.Millisecond, 10*time.Millisecond)
		began := time.Now()
		client, err := r.Host("client").DialContext(context.Background(), "tcp", link.Addr())
		require.NoError(t, err)
		r.send(client, "hello")
		server, err := r.listener.Accept()
		require.NoError(t, err)
		require.Equal(t, 30*time.Millisecond, time.Since(began))
		r.receive(server, "hello")
		require.Equal(t, 70*time.Millisecond, time.Since(began))

		require.NoError(t, link.Cut(relay.Forward))
		r.send(client, "held")
		r.silent(server)
		require.NoError(t, link.Heal())
		r.receive(server, "held")
		require.NoError(t, link.Refuse())
		require.Error(t, r.readError(client))
		_, err = r.Host("client").DialContext(context.Background(), "tcp", link.Addr())
		require.Error(t, err)
		require.NoError(t, link.Heal())
		client, err = r.Host("client").DialContext(context.Background(), "tcp", link.Addr())
		require.NoError(t, err)
		require.NoError(t, client.Close())
		server, err = r.listener.Accept()
		require.NoError(t, err)
		require.Equal(t, io.EOF, r.readError(server))
		require.NoError(t, server.Close())
		require.NoError(t, link.Close())
	})
}
