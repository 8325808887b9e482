package conformance_test

import (
	"os"
	"testing"

	driver "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/redis"
	"github.com/chatlab/chatlab/sim/redis/conformance"
)

// TestConformance checks the stand-in, or the real server that CHATLAB_REDIS=host:port names.
func TestConformance(t *testing.T) {
	address := os.Getenv("CHATLAB_REDIS")
	if address == "" {
		server, err := redis.New(redis.Config{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, server.Close()) })
		address = server.Addr()
	}
	conformance.Run(t, &driver.Options{Addr: address})
}
