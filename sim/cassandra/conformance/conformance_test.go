package conformance_test

import (
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/cassandra"
	"github.com/chatlab/chatlab/sim/cassandra/conformance"
)

// TestCassandra runs against the stand-in, or against the servers of CHATLAB_CASSANDRA=host:port[,host:port].
func TestCassandra(t *testing.T) {
	if hosts := os.Getenv("CHATLAB_CASSANDRA"); hosts != "" {
		conformance.Run(t, conformance.Target{Connect: func(t *testing.T) *gocql.ClusterConfig { return real(t, hosts) }})
		return
	}
	conformance.Run(t, standIn(t))
}

func standIn(t *testing.T) conformance.Target {
	var ahead atomic.Int64
	c, err := cassandra.New(cassandra.Config{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return conformance.Target{
		Connect: func(*testing.T) *gocql.ClusterConfig {
			cfg := gocql.NewCluster(c.Hosts()...)
			cfg.Dialer = cassandra.Dialer{Cluster: c}
			cfg.Logger = log.New(io.Discard, "", 0)
			return cfg
		},
		Advance: func(d time.Duration) { ahead.Add(int64(d)) },
		Stop:    func(t *testing.T, n int) { require.NoError(t, c.Stop(c.Names()[n])) },
		Start:   func(t *testing.T, n int) { require.NoError(t, c.Start(c.Names()[n])) },
	}
}

func real(t *testing.T, hosts string) *gocql.ClusterConfig {
	cfg := gocql.NewCluster(strings.Split(hosts, ",")...)
	_, port, err := net.SplitHostPort(cfg.Hosts[0])
	require.NoError(t, err)
	cfg.Port, err = strconv.Atoi(port)
	require.NoError(t, err)
	return cfg
}
