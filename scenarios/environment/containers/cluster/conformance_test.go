//go:build containers

// Tests on real servers: make conformance.
package cluster_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/environment/containers/cluster"
	cassandrasuite "github.com/chatlab/chatlab/sim/cassandra/conformance"
	kafkasuite "github.com/chatlab/chatlab/sim/kafka/conformance"
	redissuite "github.com/chatlab/chatlab/sim/redis/conformance"
)

// servers is what all tests of this binary share: a start costs half a minute.
var servers *cluster.Cluster

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if servers, err = cluster.Open(ctx, cluster.Config{Images: cluster.FromEnvironment(), Log: log}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Printf("three brokers, three nodes and two Redis servers up after %s\n", servers.Took.Round(100*time.Millisecond))
	interrupted := context.AfterFunc(ctx, func() { _ = servers.Close(); os.Exit(130) })
	code := m.Run()
	if !interrupted() {
		select {} // the interrupt removes the cluster and ends the process
	}
	if err := servers.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "remove cluster:", err)
		return 1
	}
	return code
}

func announced(k cluster.Kind) (all []string) {
	for _, s := range servers.Of(k) {
		all = append(all, s.Announced)
	}
	return all
}

func TestKafka(t *testing.T) {
	kafkasuite.Run(t, kafkasuite.Target{Brokers: announced(cluster.Kafka), Dial: servers.Dial, Session: 6 * time.Second})
}

func TestRedis(t *testing.T) {
	for _, address := range announced(cluster.Redis) {
		t.Run(address, func(t *testing.T) { redissuite.Run(t, &redis.Options{Addr: address, Dialer: servers.Dial}) })
	}
}

func TestCassandra(t *testing.T) {
	nodes := servers.Of(cluster.Cassandra)
	cassandrasuite.Run(t, cassandrasuite.Target{
		Connect: func(*testing.T) *gocql.ClusterConfig {
			cfg := gocql.NewCluster(announced(cluster.Cassandra)...)
			cfg.Dialer = cluster.Dialer{Cluster: servers}
			cfg.Logger = log.New(io.Discard, "", 0)
			return cfg
		},
		Stop: func(t *testing.T, n int) { require.NoError(t, servers.Stop(context.Background(), nodes[n].Name)) },
		Start: func(t *testing.T, n int) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			require.NoError(t, servers.Start(ctx, nodes[n].Name))
			require.NoError(t, servers.Await(ctx, nodes[n].Name))
		},
	})
}
