// Package cluster runs real Kafka, Cassandra and Redis in containers: three brokers, three nodes and two servers, each
// reached by a port of 127.0.0.1.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config says how to run a cluster. Its zero value takes the images that are at hand.
type Config struct {
	Images Images
	Log    *slog.Logger // nil: silence
	// Keep leaves the cluster running when this process ends, for others to Open. Remove ends it.
	Keep bool
}

// Cluster is a running cluster. Its methods may be called from any goroutine.
type Cluster struct {
	// Took is how long the start took until every server answered its clients.
	Took time.Duration
	// New says that Open has started it.
	New bool

	id      string
	owner   string // kept, or who removes it
	engine  *engine
	network *network
	servers []*Server
	log     *slog.Logger

	cutting sync.Mutex
	cuts    map[Wire]int
}

// startWithin bounds a start, the pull of images apart.
const startWithin = 5 * time.Minute

// Open uses the cluster that is kept, and starts one where none is.
func Open(ctx context.Context, cfg Config) (*Cluster, error) {
	if c, err := find(ctx, cfg); c != nil || err != nil {
		return c, err
	}
	return Start(ctx, cfg)
}

// Start runs a cluster and returns when each server answers real queries. It removes first what runs that crashed left.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	began := time.Now()
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	c := &Cluster{id: newID(), owner: owner(), engine: e, log: cfg.Log}
	if cfg.Keep {
		c.owner = kept
	}
	if err := c.start(ctx, cfg.Images); err != nil {
		err = errors.Join(err, c.remove())
		return nil, fmt.Errorf("start cluster: %w", err)
	}
	c.Took, c.New = time.Since(began), true
	return c, nil
}

func (c *Cluster) start(ctx context.Context, images Images) (err error) {
	if err := c.engine.sweep(ctx, c.log); err != nil {
		return err
	}
	if images, err = images.choose(ctx, c.engine); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	if c.network, err = c.engine.makeNetwork(ctx, c); err != nil {
		return err
	}
	if c.servers, err = servers(images, c.network); err != nil {
		return err
	}
	var all errgroup.Group
	for _, s := range c.servers {
		all.Go(func() error { return c.run(ctx, s) })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	return c.Ready(ctx)
}

// servers describes all servers.
func servers(images Images, n *network) ([]*Server, error) {
	brokers, err := brokers(images.Kafka, n)
	if err != nil {
		return nil, err
	}
	nodes, err := nodes(images.Cassandra, n)
	if err != nil {
		return nil, err
	}
	memories, err := memories(images.Redis, n)
	return slices.Concat(brokers, nodes, memories), err
}

// run creates and starts a server's container.
func (c *Cluster) run(ctx context.Context, s *Server) (err error) {
	if s.id, err = c.engine.create(ctx, c, s); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return c.locate(ctx, s)
}

// Close removes everything that was started, also when the context of Start has ended. A cluster that is kept goes on.
func (c *Cluster) Close() error {
	if c.owner == kept {
		return c.engine.Close()
	}
	return c.remove()
}

// Abandon removes everything that was started, also of a cluster that is kept.
func (c *Cluster) Abandon() error { return c.remove() }

func (c *Cluster) remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(c.engine.remove(ctx, c.id), c.engine.Close())
}

// Servers lists brokers, nodes and Redis servers.
func (c *Cluster) Servers() []*Server { return c.servers }

// Of lists the servers of a kind.
func (c *Cluster) Of(k Kind) (of []*Server) {
	for _, s := range c.servers {
		if s.Kind == k {
			of = append(of, s)
		}
	}
	return of
}

// Routes leads from the addresses that the servers announce to the ports of 127.0.0.1 that lead there now.
func (c *Cluster) Routes() map[string]string {
	routes := map[string]string{}
	for _, s := range c.servers {
		routes[s.Announced] = s.Address()
	}
	return routes
}

// Ready waits until all servers answer real queries and work together.
func (c *Cluster) Ready(ctx context.Context) error {
	var all errgroup.Group
	for _, s := range c.servers {
		all.Go(func() error { return c.ready(ctx, s) })
	}
	if err := all.Wait(); err != nil {
		return err
	}
	all = errgroup.Group{}
	all.Go(func() error { return c.until(ctx, "brokers together", c.logWorks) })
	all.Go(func() error { return c.until(ctx, "nodes together", c.tablesWork) })
	return all.Wait()
}

func (c *Cluster) ready(ctx context.Context, s *Server) error {
	err := c.until(ctx, s.Name, func(ctx context.Context) error { return s.answers(ctx, c) })
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\n%s", err, c.engine.lastWords(s.id))
}

// until asks again until the answer is nil, the last one being the error when ctx ends.
func (c *Cluster) until(ctx context.Context, what string, ask func(context.Context) error) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		once, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := ask(once)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", what, err)
		case <-tick.C:
		}
	}
}
