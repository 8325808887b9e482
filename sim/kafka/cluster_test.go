package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	driver "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/kafka"
)

const patience = 20 * time.Second

// rig is a cluster with one topic and a client that maps announced addresses.
type rig struct {
	*testing.T
	*kafka.Cluster
	ctx       context.Context
	transport *driver.Transport
	client    *driver.Client
	addresses map[string]string
}

const topic, partitions = "chat", 6

func start(t *testing.T, electionDelay time.Duration) *rig {
	cluster, err := kafka.Start(kafka.Config{Topics: map[string]int{topic: partitions}, ElectionDelay: electionDelay})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	r := &rig{T: t, Cluster: cluster, ctx: ctx, addresses: map[string]string{}}
	var announced []string
	for _, b := range cluster.Brokers() {
		r.addresses[b.Announced] = b.Address
		announced = append(announced, b.Announced)
	}
	r.transport = &driver.Transport{Dial: r.dial, MetadataTTL: 100 * time.Millisecond}
	t.Cleanup(r.transport.CloseIdleConnections)
	r.client = &driver.Client{Addr: driver.TCP(announced...), Transport: r.transport, Timeout: time.Second}
	return r
}

func (r *rig) dial(ctx context.Context, network, announced string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, r.addresses[announced])
}

func (r *rig) leaders() (names []string) {
	for p := range partitions {
		name, err := r.Leader(topic, p)
		require.NoError(r, err)
		names = append(names, name)
	}
	return names
}

var spread = []string{"kafka-1", "kafka-2", "kafka-3", "kafka-1", "kafka-2", "kafka-3"}

func TestBrokersAnnounceTheirNames(t *testing.T) {
	r := start(t, 0)
	require.Equal(t, "kafka-2:9092", r.Brokers()[1].Announced)
	metadata, err := r.client.Metadata(r.ctx, &driver.MetadataRequest{Topics: []string{topic}})
	require.NoError(t, err)
	require.Len(t, metadata.Brokers, 3)
	for _, p := range metadata.Topics[0].Partitions {
		require.Equal(t, spread[p.ID], p.Leader.Host)
		require.Len(t, p.Isr, 3)
	}
}

func TestLeadershipMovesAfterTheElectionDelayOnly(t *testing.T) {
	r := start(t, 300*time.Millisecond)
	require.Equal(t, spread, r.leaders())
	require.NoError(t, r.Kill("kafka-2"))
	_, err := net.Dial("tcp", r.addresses["kafka-2:9092"])
	require.Error(t, err)
	require.Equal(t, spread, r.leaders())
	moved := []string{"kafka-1", "kafka-3", "kafka-3", "kafka-1", "kafka-1", "kafka-3"}
	require.Eventually(t, func() bool { return fmt.Sprint(r.leaders()) == fmt.Sprint(moved) }, patience, 10*time.Millisecond)

	require.NoError(t, r.Restart("kafka-2"))
	require.Equal(t, moved, r.leaders(), "a broker that returns leads nothing")
	conn, err := r.dial(r.ctx, "tcp", "kafka-2:9092")
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

func TestRestartBeforeTheElectionKeepsLeadership(t *testing.T) {
	r := start(t, 100*time.Millisecond)
	require.NoError(t, r.Kill("kafka-1"))
	require.NoError(t, r.Restart("kafka-1"))
	look, enough := time.NewTicker(20*time.Millisecond), time.After(300*time.Millisecond)
	defer look.Stop()
	for { // not by require.Never, which may still ask when the test has ended
		select {
		case <-enough:
			return
		case <-look.C:
			require.Equal(t, fmt.Sprint(spread), fmt.Sprint(r.leaders()))
		}
	}
}

func TestTotalOutageEndsWithTheFirstBrokerThatReturns(t *testing.T) {
	r := start(t, 10*time.Millisecond)
	for _, b := range r.Brokers() {
		require.NoError(t, r.Kill(b.Name))
	}
	require.Error(t, r.write("lost", 0))
	require.NoError(t, r.Restart("kafka-2"))
	require.Eventually(t, func() bool { return r.write("found", 0) == nil }, patience, 10*time.Millisecond)
	alone := fmt.Sprint([]string{"kafka-2", "kafka-2", "kafka-2", "kafka-2", "kafka-2", "kafka-2"})
	require.Eventually(t, func() bool { return fmt.Sprint(r.leaders()) == alone }, patience, 10*time.Millisecond)
	require.NoError(t, r.Restart("kafka-1"))
	require.NoError(t, r.Restart("kafka-3"))
}

func TestKnownTopicExistsWhoeverDied(t *testing.T) {
	r := start(t, 10*time.Millisecond)
	require.NoError(t, r.Kill("kafka-3"))
	require.Eventually(t, func() bool { return r.leaders()[2] != "kafka-3" }, patience, time.Millisecond)
	require.NoError(t, r.Restart("kafka-3"))
	require.Eventually(t, func() bool {
		made, err := r.client.CreateTopics(r.ctx, &driver.CreateTopicsRequest{Topics: []driver.TopicConfig{{Topic: topic, NumPartitions: 1, ReplicationFactor: -1}}})
		return err == nil && errors.Is(made.Errors[topic], driver.TopicAlreadyExists)
	}, patience, 50*time.Millisecond)
}

func TestUnknownNamesAreRefused(t *testing.T) {
	r := start(t, 0)
	require.ErrorContains(t, r.Kill("kafka-9"), `no broker "kafka-9"`)
	require.ErrorContains(t, r.Restart("kafka-9"), `no broker "kafka-9"`)
	_, err := r.Lag("group", "nonsense")
	require.ErrorContains(t, err, `no topic "nonsense"`)
	_, err = r.Leader(topic, 99)
	require.Error(t, err)
}

// write writes one record to one partition with the patience of a single attempt.
func (r *rig) write(value string, partition int) error {
	w := r.writer(partition)
	defer func() { _ = w.Close() }()
	return w.WriteMessages(r.ctx, driver.Message{Value: []byte(value)})
}

func (r *rig) writer(partition int) *driver.Writer {
	return &driver.Writer{
		Addr: r.client.Addr, Topic: topic, RequiredAcks: driver.RequireAll, Transport: r.transport, MaxAttempts: 1, BatchTimeout: time.Millisecond,
		ReadTimeout: time.Second, WriteTimeout: time.Second,
		Balancer: driver.BalancerFunc(func(driver.Message, ...int) int { return partition }),
	}
}

func TestAcknowledgedRecordsSurviveAKillAndWritesResume(t *testing.T) {
	r := start(t, 200*time.Millisecond)
	acked := make([][]string, partitions)
	var writers sync.WaitGroup
	stop := make(chan struct{})
	for p := range partitions {
		writers.Go(func() { acked[p] = r.keepWriting(p, stop) })
	}
	r.waitForGrowth()
	require.NoError(t, r.Kill("kafka-1"))
	require.Eventually(t, func() bool { return r.leaders()[0] != "kafka-1" }, patience, 10*time.Millisecond)
	r.waitForGrowth()
	require.NoError(t, r.Restart("kafka-1"))
	r.waitForGrowth()
	close(stop)
	writers.Wait()
	for p := range partitions {
		require.NotEmpty(t, acked[p])
		require.Equal(t, acked[p], r.readAcked(p), "acknowledged records of partition %d, in order", p)
	}
}

// keepWriting writes numbered records, tries each until it is acknowledged, and returns them.
func (r *rig) keepWriting(partition int, stop <-chan struct{}) (acked []string) {
	w := r.writer(partition)
	defer func() { _ = w.Close() }()
	for n := 0; ; {
		select {
		case <-stop:
			return acked
		case <-r.ctx.Done():
			return acked
		default:
		}
		value := fmt.Sprintf("%d-%d", partition, n)
		if w.WriteMessages(r.ctx, driver.Message{Value: []byte(value)}) == nil {
			acked = append(acked, value)
			n++
		}
	}
}

// waitForGrowth waits until every partition has got five more records.
func (r *rig) waitForGrowth() {
	before, err := r.Ends(topic)
	require.NoError(r, err)
	require.Eventually(r, func() bool {
		now, err := r.Ends(topic)
		require.NoError(r, err)
		for p := range now {
			if now[p] < before[p]+5 {
				return false
			}
		}
		return true
	}, patience, 5*time.Millisecond)
}

// readAcked reads a partition without the repetitions that retries make, and without a last record nobody was told of.
func (r *rig) readAcked(partition int) (values []string) {
	ends, err := r.Ends(topic)
	require.NoError(r, err)
	reader := driver.NewReader(driver.ReaderConfig{
		Brokers: []string{"kafka-2:9092"}, Topic: topic, Partition: partition, MaxWait: 50 * time.Millisecond, Dialer: &driver.Dialer{DialFunc: r.dial},
	})
	defer func() { _ = reader.Close() }()
	for range ends[partition] {
		m, err := reader.ReadMessage(r.ctx)
		require.NoError(r, err)
		if len(values) == 0 || values[len(values)-1] != string(m.Value) {
			values = append(values, string(m.Value))
		}
	}
	return values
}

func TestLagIsEndMinusCommit(t *testing.T) {
	r := start(t, 0)
	for range 5 {
		require.NoError(t, r.write("x", 2))
	}
	lag, err := r.Lag("workers", topic)
	require.NoError(t, err)
	require.Equal(t, []int64{0, 0, 5, 0, 0, 0}, lag, "a group that never committed lags by everything")

	group, err := driver.NewConsumerGroup(driver.ConsumerGroupConfig{
		ID: "workers", Brokers: []string{"kafka-1:9092"}, Topics: []string{topic}, Dialer: &driver.Dialer{DialFunc: r.dial},
	})
	require.NoError(t, err)
	defer func() { _ = group.Close() }()
	generation, err := group.Next(r.ctx)
	require.NoError(t, err)
	require.NoError(t, generation.CommitOffsets(map[string]map[int]int64{topic: {2: 3}}))
	lag, err = r.Lag("workers", topic)
	require.NoError(t, err)
	require.Equal(t, []int64{0, 0, 2, 0, 0, 0}, lag)
}

func BenchmarkLag(b *testing.B) {
	cluster, err := kafka.Start(kafka.Config{Topics: map[string]int{topic: 24}})
	require.NoError(b, err)
	defer func() { _ = cluster.Close() }()
	for b.Loop() {
		_, err := cluster.Lag("workers", topic)
		require.NoError(b, err)
	}
}

func TestStoppedBrokerHandsItsLeadershipOverFirst(t *testing.T) {
	r := start(t, time.Hour)
	require.NoError(t, r.Stop("kafka-2"))
	require.NotContains(t, r.leaders(), "kafka-2", "nobody waits for an election")
	require.NoError(t, r.write("x", 1))
	_, err := net.Dial("tcp", r.addresses["kafka-2:9092"])
	require.Error(t, err)
	require.NoError(t, r.Stop("kafka-2"), "a stopped broker is left alone")
	require.NoError(t, r.Restart("kafka-2"))
	for _, b := range r.Brokers() {
		require.NoError(t, r.Stop(b.Name))
	}
	require.NoError(t, r.Restart("kafka-1"))
	require.NotContains(t, r.leaders(), "kafka-2")
	require.Eventually(t, func() bool { return r.write("y", 1) == nil }, patience, 10*time.Millisecond)
}

func TestFrozenBrokerAnswersWhenItGoesOn(t *testing.T) {
	r := start(t, time.Hour)
	require.NoError(t, r.write("before", 1))
	require.NoError(t, r.Freeze("kafka-2"))
	require.NoError(t, r.Freeze("kafka-2"))
	conn, err := r.dial(r.ctx, "tcp", "kafka-2:9092")
	require.NoError(t, err, "its kernel takes connections")
	require.NoError(t, conn.Close())
	w := r.writer(1)
	defer func() { _ = w.Close() }()
	w.WriteTimeout, w.ReadTimeout = patience, patience
	written := make(chan error, 1)
	go func() { written <- w.WriteMessages(r.ctx, driver.Message{Value: []byte("meanwhile")}) }()
	select {
	case err := <-written:
		require.FailNow(t, "a frozen broker answered", err)
	case <-time.After(200 * time.Millisecond):
	}
	require.NoError(t, r.Thaw("kafka-2"))
	require.NoError(t, <-written)
	require.Equal(t, spread, r.leaders())
}

func TestBrokerThatIsFrozenForLongLosesItsLeadership(t *testing.T) {
	r := start(t, 50*time.Millisecond)
	require.NoError(t, r.Freeze("kafka-2"))
	require.Eventually(t, func() bool { return r.leaders()[1] != "kafka-2" }, patience, time.Millisecond)
	require.Eventually(t, func() bool { return r.write("x", 1) == nil }, patience, 10*time.Millisecond)
	require.NoError(t, r.Thaw("kafka-2"))
	require.NotContains(t, r.leaders(), "kafka-2", "a broker that returns leads nothing")
	require.NoError(t, r.Thaw("kafka-2"))
	require.NoError(t, r.Kill("kafka-1"))
	require.NoError(t, r.Kill("kafka-3"))
	require.Eventually(t, func() bool { return r.leaders()[1] == "kafka-2" && r.write("y", 1) == nil }, patience, 10*time.Millisecond)

	require.NoError(t, r.Freeze("kafka-2"))
	require.NoError(t, r.Kill("kafka-2"))
	require.NoError(t, r.Restart("kafka-2"))
	require.Eventually(t, func() bool { return r.write("z", 1) == nil }, patience, 10*time.Millisecond, "who is killed while frozen comes back awake")
}
