package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

// Empty makes the stores as they were after the start: all servers up, no topics, no groups, no keyspaces, no keys.
func (c *Cluster) Empty(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	if err := c.revive(ctx); err != nil {
		return err
	}
	var all errgroup.Group
	all.Go(func() error { return c.until(ctx, "log without topics", c.dropTopics) })
	all.Go(func() error { return c.dropKeyspaces(ctx) })
	for _, s := range c.Of(Redis) {
		all.Go(func() error { return c.flush(ctx, s) })
	}
	return all.Wait()
}

// dropTopics deletes all topics but Kafka's own, with the groups' offsets in them, and says whether they are gone: brokers
// delete when they like.
func (c *Cluster) dropTopics(ctx context.Context) error {
	k, closeConnections := c.kafka()
	defer closeConnections()
	seen, err := k.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return err
	}
	var names []string
	for _, t := range seen.Topics {
		if !t.Internal && !strings.HasPrefix(t.Name, "__") {
			names = append(names, t.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	res, err := k.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: names})
	if err != nil {
		return err
	}
	for name, err := range res.Errors {
		if err != nil && !errors.Is(err, kafka.UnknownTopicOrPartition) {
			return fmt.Errorf("delete topic %s: %w", name, err)
		}
	}
	return fmt.Errorf("topics are still there: %s", strings.Join(names, ", "))
}

// dropKeyspaces drops all keyspaces but Cassandra's own and the probe's.
func (c *Cluster) dropKeyspaces(ctx context.Context) error {
	session, err := c.session(c.Of(Cassandra)...)
	if err != nil {
		return err
	}
	defer session.Close()
	var drop []string
	var name string
	it := session.Query(`SELECT keyspace_name FROM system_schema.keyspaces`).WithContext(ctx).Iter()
	for it.Scan(&name) {
		if !strings.HasPrefix(name, "system") && name != probeKeyspace {
			drop = append(drop, name)
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("list keyspaces: %w", err)
	}
	slices.Sort(drop)
	for _, name := range drop {
		if err := session.Query(`DROP KEYSPACE IF EXISTS "` + name + `"`).WithContext(ctx).Exec(); err != nil {
			return fmt.Errorf("drop keyspace %s: %w", name, err)
		}
	}
	return session.AwaitSchemaAgreement(ctx)
}

func (c *Cluster) flush(ctx context.Context, s *Server) error {
	r := redis.NewClient(&redis.Options{Addr: s.Announced, Dialer: c.Dial})
	defer r.Close()
	if err := r.FlushAll(ctx).Err(); err != nil {
		return fmt.Errorf("flush %s: %w", s.Name, err)
	}
	return nil
}
