package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// Topic says how a topic is made.
type Topic struct {
	Name       string
	Partitions int // fixed once it is made: it decides which keys share one
	Replicas   int
	Retention  time.Duration // 0: what the brokers are set to
	MaxBytes   int           // of a record; 0: what the brokers are set to
}

func (t Topic) settings() []kafka.ConfigEntry {
	all := map[string]string{}
	if t.Replicas > 1 {
		all["min.insync.replicas"] = "2"
	}
	if t.Retention > 0 {
		all["retention.ms"] = strconv.FormatInt(t.Retention.Milliseconds(), 10)
	}
	if t.MaxBytes > 0 {
		all["max.message.bytes"] = strconv.Itoa(t.MaxBytes)
	}
	out := make([]kafka.ConfigEntry, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, kafka.ConfigEntry{ConfigName: name, ConfigValue: all[name]})
	}
	return out
}

// ErrPartitions says that a topic exists with another number of partitions.
var ErrPartitions = errors.New("topic cannot be used")

// CreateTopic makes a topic unless it exists. One that exists with another number of partitions is an error: keys would
// move to other partitions, and their records be read out of order.
func (c *Client) CreateTopic(ctx context.Context, t Topic) error {
	res, err := c.admin.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: t.Replicas, ConfigEntries: t.settings()},
	}})
	if err == nil {
		err = res.Errors[t.Name]
	}
	if errors.Is(err, kafka.TopicAlreadyExists) {
		return c.checkPartitions(ctx, t)
	}
	if err != nil {
		return fmt.Errorf("create topic %s: %w", t.Name, err)
	}
	return nil
}

func (c *Client) checkPartitions(ctx context.Context, t Topic) error {
	ids, err := c.partitions(ctx, t.Name)
	if err != nil {
		return err
	}
	if len(ids) != t.Partitions {
		return fmt.Errorf("%w: topic %s has %d partitions, not %d: the number decides which conversations share one and cannot "+
			"be changed while there are records; ask for %[3]d, or drain the topic and make it again", ErrPartitions, t.Name, len(ids), t.Partitions)
	}
	return nil
}

// partitions lists a topic's partitions.
func (c *Client) partitions(ctx context.Context, topic string) ([]int, error) {
	m, err := c.admin.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, fmt.Errorf("ask log for metadata: %w", err)
	}
	var ids []int
	for _, t := range m.Topics {
		if errors.Is(t.Error, kafka.UnknownTopicOrPartition) {
			break
		}
		if t.Error != nil {
			return nil, fmt.Errorf("ask log for topic %s: %w", topic, t.Error)
		}
		for _, p := range t.Partitions {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("topic %s does not exist: run chatd migrate", topic)
	}
	slices.Sort(ids)
	return ids, nil
}

// Ready proves that the log can be worked with: a leader answers. Partitions whose leader is away wait until another one
// leads them, and no pod could do better.
func (c *Client) Ready(ctx context.Context, topic string) error {
	ids, err := c.partitions(ctx, topic)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan error, len(ids))
	for _, p := range ids {
		go func() {
			_, err := c.endOffset(ctx, topic, p)
			answers <- err
		}()
	}
	for range ids {
		if err = <-answers; err == nil {
			return nil
		}
	}
	return fmt.Errorf("no leader of %s answers: %w", topic, err)
}
