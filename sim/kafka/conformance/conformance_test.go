package conformance_test

import (
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/kafka"
	"github.com/chatlab/chatlab/sim/kafka/conformance"
)

// TestConformance checks the stand-in, or the real cluster that CHATLAB_KAFKA=host:port[,host:port] names.
func TestConformance(t *testing.T) {
	if real := os.Getenv("CHATLAB_KAFKA"); real != "" {
		conformance.Run(t, conformance.Target{Brokers: strings.Split(real, ","), Session: 6 * time.Second})
		return
	}
	cluster, err := kafka.Start(kafka.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	conformance.Run(t, standIn(cluster))
}

func standIn(cluster *kafka.Cluster) conformance.Target {
	target := conformance.Target{Session: 1500 * time.Millisecond}
	addresses := map[string]string{}
	for _, b := range cluster.Brokers() {
		target.Brokers = append(target.Brokers, b.Announced)
		addresses[b.Announced] = b.Address
	}
	target.Dial = func(ctx context.Context, network, announced string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addresses[announced])
	}
	return target
}
