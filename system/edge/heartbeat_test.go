package edge

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	role "github.com/chatlab/chatlab/system/presence"
	"github.com/chatlab/chatlab/system/redis"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// A device's own signs of life, through the real service to a real store: the newest connection says where the device
// is, whatever an older one still sends.
func TestAnOldConnectionsHeartbeatChangesNothing(t *testing.T) {
	mini := miniredis.RunT(t)
	client := redis.NewClient(redis.Config{Address: mini.Addr()})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	store := redis.NewPresence(client, time.Minute)
	service, err := role.New(role.Config{Store: store})
	require.NoError(t, err)
	server := transport.Network{}.Server()
	pb.RegisterPresencesServer(server, service)
	l, err := transport.Network{}.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() { server.Stop(); <-done })
	w := newWorld(t, transport.Network{}, size{1, 1, 2}, func(c *Config) { c.Presence = []string{l.Addr().String()} })

	beat := func(gateway string, epoch int) {
		a := w.ask(t, "PUT", "/api/v1/presence", fmt.Sprintf(`{"device":"phone","gateway":%q,"epoch":%d}`, gateway, epoch))
		require.Equal(t, http.StatusNoContent, a.status, "%s", a.body)
	}
	at := func() string {
		devices, err := store.LookupOne(t.Context(), w.alice.ID)
		require.NoError(t, err)
		require.Len(t, devices, 1)
		return fmt.Sprint(devices[0].Gateway, " ", devices[0].Epoch)
	}
	beat("gateway-1", 7)
	beat("gateway-2", 8)
	for range 3 {
		beat("gateway-1", 7)
		require.Equal(t, "gateway-2 8", at())
	}
	beat("gateway-1", 9)
	require.Equal(t, "gateway-1 9", at())
}
