package conformance

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
)

// member is one member of the check's consumer group, whose network can be lost.
type member struct {
	*suite
	group *kafka.ConsumerGroup

	mu    sync.Mutex
	lost  bool
	conns []net.Conn
}

func (s *suite) join() *member {
	m := &member{suite: s}
	var err error
	m.group, err = kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: s.group, Brokers: s.target.Brokers, Topics: []string{s.topic}, StartOffset: kafka.FirstOffset,
		Dialer:            &kafka.Dialer{Timeout: 5 * time.Second, DialFunc: m.dial},
		SessionTimeout:    s.target.Session,
		HeartbeatInterval: s.target.Session / 5,
		RebalanceTimeout:  s.target.Session,
		JoinGroupBackoff:  200 * time.Millisecond,
		ErrorLogger:       kafka.LoggerFunc(func(string, ...any) {}),
	})
	require.NoError(s, err)
	s.Cleanup(func() { _ = m.group.Close() })
	return m
}

func (m *member) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := m.target.Dial(ctx, network, address)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && m.lost {
		_ = conn.Close()
		err = errors.New("network is lost")
	}
	if err != nil {
		return nil, err
	}
	m.conns = append(m.conns, conn)
	return conn, nil
}

// lose ends the member's network without a farewell.
func (m *member) lose() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost = true
	for _, conn := range m.conns {
		_ = conn.Close()
	}
}

// next waits for a generation in which the member has n partitions.
func (m *member) next(n int) *kafka.Generation {
	m.Helper()
	for {
		generation, err := m.group.Next(m.ctx)
		require.NoError(m, m.ctx.Err())
		if err == nil && len(generation.Assignments[m.topic]) == n {
			return generation
		}
	}
}

func (m *member) commit(generation *kafka.Generation, partition int, offset int64) error {
	return generation.CommitOffsets(map[string]map[int]int64{m.topic: {partition: offset}})
}

func start(generation *kafka.Generation, topic string, partition int) int64 {
	for _, assigned := range generation.Assignments[topic] {
		if assigned.ID == partition {
			return assigned.Offset
		}
	}
	return -100
}

func groupResumes(s *suite) {
	messages, values := numbered("k", 10)
	s.write(messages...)
	partition := partitionOf("k")

	first := s.join()
	generation := first.next(partitions)
	require.EqualValues(s, kafka.FirstOffset, start(generation, s.topic, partition), "nothing is committed yet")
	require.NoError(s, first.commit(generation, partition, 3))
	require.NoError(s, first.commit(generation, partition, 6))
	require.NoError(s, first.group.Close())

	second := s.join()
	generation = second.next(partitions)
	require.EqualValues(s, 6, start(generation, s.topic, partition))
	require.Equal(s, values[6:], s.read(partition, 6, 4))
	require.NoError(s, second.commit(generation, partition, 4), "a commit may go back")
	require.NoError(s, second.group.Close())
	require.EqualValues(s, 4, start(s.join().next(partitions), s.topic, partition))
}

func lagIsRead(s *suite) {
	messages, _ := numbered("k", 10)
	s.write(messages...)
	partition := partitionOf("k")
	m := s.join()
	require.NoError(s, m.commit(m.next(partitions), partition, 7))

	response, err := s.client.OffsetFetch(s.ctx, &kafka.OffsetFetchRequest{GroupID: s.group, Topics: map[string][]int{s.topic: {0, 1, 2, 3}}})
	require.NoError(s, err)
	require.NoError(s, response.Error)
	require.Len(s, response.Topics[s.topic], partitions)
	for _, p := range response.Topics[s.topic] {
		require.NoError(s, p.Error)
		if p.Partition == partition {
			require.EqualValues(s, 7, p.CommittedOffset)
			require.EqualValues(s, 3, s.ends()[partition]-p.CommittedOffset)
			continue
		}
		require.EqualValues(s, -1, p.CommittedOffset, "never committed")
	}
}

func membersShare(s *suite) {
	first := s.join()
	first.next(partitions)
	second := s.join()
	shared := make(chan *kafka.Generation, 1)
	go func() { shared <- first.next(partitions / 2) }()
	half := second.next(partitions / 2).Assignments[s.topic]
	other := (<-shared).Assignments[s.topic]
	seen := map[int]bool{}
	for _, assigned := range append(half, other...) {
		seen[assigned.ID] = true
	}
	require.Len(s, seen, partitions, "each partition has one owner")

	require.NoError(s, second.group.Close())
	first.next(partitions)
}

func memberLost(s *suite) {
	first, second := s.join(), s.join()
	shared := make(chan struct{})
	go func() { defer close(shared); second.next(partitions / 2) }()
	first.next(partitions / 2)
	<-shared
	second.lose()
	start := time.Now()
	first.next(partitions)
	require.Less(s, time.Since(start), 3*s.target.Session+2*time.Second)
}

// joinerLost: the answer to its join reaches nobody, and nobody says goodbye for it.
func joinerLost(s *suite) {
	first := s.join()
	first.next(partitions)
	second := s.join()
	s.until("PreparingRebalance")
	second.lose()
	start := time.Now()
	first.next(partitions)
	require.Less(s, time.Since(start), 4*s.target.Session+2*time.Second)
}

// until waits for a state of the group.
func (s *suite) until(state string) {
	for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
		require.NoError(s, s.ctx.Err(), "the group is never in state %s", state)
		all, err := s.client.DescribeGroups(s.ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{s.group}})
		if err == nil && len(all.Groups) == 1 && all.Groups[0].GroupState == state {
			return
		}
	}
}

func staleCommitRefused(s *suite) {
	first := s.join()
	old := first.next(partitions)
	second := s.join()
	go func() { _, _ = first.group.Next(s.ctx) }()
	second.next(partitions / 2)
	err := first.commit(old, 0, 1)
	require.Error(s, err, "the commit of an old generation")
}
