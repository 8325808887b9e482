package kafka_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	driver "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/kafka"
	"github.com/chatlab/chatlab/sim/network"
)

// A broker dies and its leaderships move in virtual time, under the stock driver.
func TestElectionInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lan := network.New(network.Config{})
		cluster, err := kafka.Start(kafka.Config{Topics: map[string]int{topic: 3}, Listen: lan.Host("kafka").Listen, ElectionDelay: 30 * time.Second})
		require.NoError(t, err)
		addresses := map[string]string{}
		for _, b := range cluster.Brokers() {
			addresses[b.Announced] = b.Address
		}
		transport := &driver.Transport{MetadataTTL: time.Second, Dial: func(ctx context.Context, network, announced string) (net.Conn, error) {
			return lan.Host("message-1").DialContext(ctx, network, addresses[announced])
		}}
		writer := &driver.Writer{
			Addr: driver.TCP("kafka-1:9092", "kafka-2:9092"), Topic: topic, RequiredAcks: driver.RequireAll, Transport: transport, MaxAttempts: 1, BatchTimeout: time.Millisecond,
			Balancer: driver.BalancerFunc(func(driver.Message, ...int) int { return 0 }),
		}
		write := func(n int) error {
			return writer.WriteMessages(context.Background(), driver.Message{Value: fmt.Append(nil, n)})
		}
		require.NoError(t, write(0))
		require.NoError(t, cluster.Kill("kafka-1"))
		died := time.Now()
		for write(1) != nil {
			timer := time.NewTimer(time.Second)
			<-timer.C
		}
		require.InDelta(t, 31, time.Since(died).Seconds(), 2)
		ends, err := cluster.Ends(topic)
		require.NoError(t, err)
		require.Equal(t, []int64{2, 0, 0}, ends)

		require.NoError(t, writer.Close())
		transport.CloseIdleConnections()
		require.NoError(t, cluster.Close())
	})
}
