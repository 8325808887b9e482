// Package conformance checks that a Kafka cluster, real or not, behaves as the chat system needs it, through the driver that the system uses.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
)

// Target is the cluster under test.
type Target struct {
	// Brokers are the addresses that clients start from.
	Brokers []string
	// Dial reaches a broker by the address that it announces; nil means real TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Session is the shortest session timeout of a group member that the cluster allows (group.min.session.timeout.ms).
	Session time.Duration
}

// Run runs every check against the target, each with a topic and a group of its own.
func Run(t *testing.T, target Target) {
	if target.Dial == nil {
		target.Dial = (&net.Dialer{}).DialContext
	}
	for _, check := range []struct {
		name string
		run  func(*suite)
	}{
		{"a write to all replicas tells partition and offset", writeTellsPlace},
		{"the hash balancer maps a key to the partition stated", keyMapsToPartition},
		{"records of one key keep their order", keyKeepsOrder},
		{"records of concurrent writers all stay", concurrentWritesStay},
		{"headers, key, value and time come back", recordComesBack},
		{"a reader starts at a given offset", readFromOffset},
		{"a reader at the end gets what comes", readerFollows},
		{"first and last offsets are listed", offsetsAreListed},
		{"a topic exists once", topicExistsOnce},
		{"an unknown topic is refused", unknownTopicRefused},
		{"a record that is too large is refused", largeRecordRefused},
		{"a group resumes from its committed offset", groupResumes},
		{"lag is end minus commit", lagIsRead},
		{"members share the partitions", membersShare},
		{"a lost member's partitions go to the others", memberLost},
		{"a member that is lost while it joins goes like any other", joinerLost},
		{"a member that was thought dead cannot commit", staleCommitRefused},
	} {
		t.Run(check.name, func(t *testing.T) { check.run(newSuite(t, target)) })
	}
}

// patience bounds every check.
const patience = 60 * time.Second

// suite is one check's own corner of the cluster.
type suite struct {
	*testing.T
	ctx    context.Context
	target Target
	topic  string
	group  string
	client *kafka.Client
}

const partitions = 4

// runs tells the topics of one process's suites apart.
var runs atomic.Int64

func newSuite(t *testing.T, target Target) *suite {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	transport := &kafka.Transport{Dial: target.Dial, MetadataTTL: 100 * time.Millisecond}
	t.Cleanup(func() { transport.CloseIdleConnections(); cancel() })
	name := fmt.Sprintf("conformance-%d-%d", time.Now().UnixNano(), runs.Add(1))
	s := &suite{T: t, ctx: ctx, target: target, topic: name, group: name,
		client: &kafka.Client{Addr: kafka.TCP(target.Brokers...), Transport: transport}}
	require.NoError(t, s.create(s.topic))
	require.Eventually(t, s.topicIsReady, patience, 20*time.Millisecond)
	return s
}

func (s *suite) create(topic string) error {
	response, err := s.client.CreateTopics(s.ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: topic, NumPartitions: partitions, ReplicationFactor: -1},
	}})
	if err != nil {
		return err
	}
	return response.Errors[topic]
}

// topicIsReady tells whether each partition's leader knows that it leads: a real broker may be named as leader before it does.
func (s *suite) topicIsReady() bool {
	metadata, err := s.client.Metadata(s.ctx, &kafka.MetadataRequest{Topics: []string{s.topic}})
	if err != nil || len(metadata.Topics) != 1 || len(metadata.Topics[0].Partitions) != partitions {
		return false
	}
	_, err = s.listOffsets()
	return err == nil
}

// writer is the driver's writer as the system uses it.
func (s *suite) writer(told func([]kafka.Message, error)) *kafka.Writer {
	w := &kafka.Writer{
		Addr:         s.client.Addr,
		Topic:        s.topic,
		Balancer:     &kafka.Hash{},
		RequiredAcks: kafka.RequireAll,
		BatchTimeout: time.Millisecond,
		BatchBytes:   16 << 20,
		Transport:    s.client.Transport,
		Completion:   told,
	}
	s.Cleanup(func() { _ = w.Close() })
	return w
}

// write writes records and returns them with the places that the cluster gave them.
func (s *suite) write(messages ...kafka.Message) []kafka.Message {
	var placed []kafka.Message
	done := make(chan struct{}, len(messages))
	w := s.writer(func(told []kafka.Message, err error) {
		placed = append(placed, told...)
		for range told {
			done <- struct{}{}
		}
	})
	require.NoError(s, w.WriteMessages(s.ctx, messages...))
	require.NoError(s, w.Close())
	for range messages {
		<-done
	}
	return placed
}

func (s *suite) dialer() *kafka.Dialer {
	return &kafka.Dialer{Timeout: 5 * time.Second, DialFunc: s.target.Dial}
}

func (s *suite) reader(partition int, offset int64) *kafka.Reader {
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: s.target.Brokers, Topic: s.topic, Partition: partition, Dialer: s.dialer(), MinBytes: 1, MaxBytes: 16 << 20, MaxWait: 100 * time.Millisecond,
	})
	s.Cleanup(func() { _ = r.Close() })
	require.NoError(s, r.SetOffset(offset))
	return r
}

// read reads n values of a partition.
func (s *suite) read(partition int, offset int64, n int) (values []string) {
	r := s.reader(partition, offset)
	for range n {
		m, err := r.ReadMessage(s.ctx)
		require.NoError(s, err)
		require.Equal(s, offset+int64(len(values)), m.Offset)
		values = append(values, string(m.Value))
	}
	return values
}

// numbered makes n records of one key.
func numbered(key string, n int) (messages []kafka.Message, values []string) {
	for i := range n {
		values = append(values, fmt.Sprintf("%s-%d", key, i))
		messages = append(messages, kafka.Message{Key: []byte(key), Value: []byte(values[i])})
	}
	return messages, values
}

// partitionOf is the partition of a key: FNV-1a modulo the number of partitions, as a signed number made positive.
func partitionOf(key string) int {
	all := make([]int, partitions)
	for i := range all {
		all[i] = i
	}
	return (&kafka.Hash{}).Balance(kafka.Message{Key: []byte(key)}, all...)
}

func topicExistsOnce(s *suite) {
	require.ErrorIs(s, s.create(s.topic), kafka.TopicAlreadyExists)
}

func unknownTopicRefused(s *suite) {
	s.topic += "-unknown"
	w := s.writer(nil)
	w.MaxAttempts = 1
	err := w.WriteMessages(s.ctx, kafka.Message{Value: []byte("x")})
	require.ErrorIs(s, err, kafka.UnknownTopicOrPartition)
}

func largeRecordRefused(s *suite) {
	w := s.writer(nil)
	w.MaxAttempts = 1
	err := w.WriteMessages(s.ctx, kafka.Message{Value: []byte(strings.Repeat("x", 3<<20))})
	var failed kafka.WriteErrors
	if errors.As(err, &failed) {
		err = failed[0]
	}
	require.ErrorIs(s, err, kafka.MessageSizeTooLarge)
	require.Len(s, s.write(kafka.Message{Value: []byte(strings.Repeat("x", 900<<10))}), 1, "900 KB are not too large")
}
