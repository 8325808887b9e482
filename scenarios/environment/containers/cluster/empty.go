package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gocql/gocql"
	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

// Schema is a keyspace whose tables are worth keeping: to make them again costs three nodes ten seconds.
type Schema struct {
	Keyspace string
	Full     []string // tables that keep their rows
}

// Empty makes the stores as they were after the start: all servers up, no topics, no groups, no keyspaces, no keys. Of the
// schema to keep, the tables stay, without their rows.
func (c *Cluster) Empty(ctx context.Context, keep Schema) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	if err := c.revive(ctx); err != nil {
		return err
	}
	var all errgroup.Group
	all.Go(func() error { return c.until(ctx, "log without topics", c.dropTopics) })
	all.Go(func() error {
		return c.until(ctx, "tables without rows", func(ctx context.Context) error { return c.emptyKeyspaces(ctx, keep) })
	})
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

// emptyKeyspaces drops all keyspaces but Cassandra's own, the probe's and the one to keep, and empties the tables of that.
func (c *Cluster) emptyKeyspaces(ctx context.Context, keep Schema) error {
	session, err := c.session(c.Of(Cassandra)...)
	if err != nil {
		return err
	}
	defer session.Close()
	names, err := list(ctx, session, `SELECT keyspace_name FROM system_schema.keyspaces`)
	if err != nil {
		return fmt.Errorf("list keyspaces: %w", err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "system") || name == probeKeyspace || name == keep.Keyspace {
			continue
		}
		if err := session.Query(`DROP KEYSPACE IF EXISTS "` + name + `"`).WithContext(ctx).Exec(); err != nil {
			return fmt.Errorf("drop keyspace %s: %w", name, err)
		}
	}
	if slices.Contains(names, keep.Keyspace) {
		return truncate(ctx, session, keep)
	}
	return session.AwaitSchemaAgreement(ctx)
}

// truncate empties the tables of a keyspace, all at once.
func truncate(ctx context.Context, session *gocql.Session, keep Schema) error {
	tables, err := list(ctx, session, `SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?`, keep.Keyspace)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	var all errgroup.Group
	for _, name := range tables {
		if slices.Contains(keep.Full, name) {
			continue
		}
		all.Go(func() error {
			if err := session.Query(`TRUNCATE "` + keep.Keyspace + `"."` + name + `"`).WithContext(ctx).Exec(); err != nil {
				return fmt.Errorf("empty table %s: %w", name, err)
			}
			return nil
		})
	}
	return all.Wait()
}

func list(ctx context.Context, session *gocql.Session, query string, values ...any) (names []string, err error) {
	it, name := session.Query(query, values...).WithContext(ctx).Iter(), ""
	for it.Scan(&name) {
		names = append(names, name)
	}
	return names, it.Close()
}

func (c *Cluster) flush(ctx context.Context, s *Server) error {
	r := redis.NewClient(&redis.Options{Addr: s.Announced, Dialer: c.Dial})
	defer r.Close()
	if err := r.FlushAll(ctx).Err(); err != nil {
		return fmt.Errorf("flush %s: %w", s.Name, err)
	}
	return nil
}
