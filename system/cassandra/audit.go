package cassandra

import (
	"fmt"

	"github.com/gocql/gocql"
)

// OpenReplica opens a session with the one node that cfg names and with no other. It reads at ONE: what that node holds itself,
// if no other can answer in its place.
func OpenReplica(cfg Config) (*Store, error) {
	c := cluster(cfg)
	c.DisableInitialHostLookup = true
	return open(cfg, c, gocql.One)
}

// OpenAll opens a session that reads from every replica and so repairs those that lack something of what is read.
func OpenAll(cfg Config) (*Store, error) { return open(cfg, cluster(cfg), gocql.All) }

func open(cfg Config, c *gocql.ClusterConfig, level gocql.Consistency) (*Store, error) {
	c.Keyspace, c.Consistency = cfg.Keyspace, level
	s, err := c.CreateSession()
	if err != nil {
		return nil, fmt.Errorf("connect to cassandra: %w", err)
	}
	return &Store{s}, nil
}
