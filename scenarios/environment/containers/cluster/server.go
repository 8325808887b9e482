package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"

	"github.com/containerd/errdefs"
	"golang.org/x/sync/errgroup"
)

// Kind is what a server is.
type Kind string

// The kinds of servers.
const (
	Kafka     Kind = "kafka"
	Cassandra Kind = "cassandra"
	Redis     Kind = "redis"
)

// Server is one broker, node or Redis server in its container.
type Server struct {
	Kind Kind
	Name string // kafka-1
	// Announced is the address that the server tells clients. It leads nowhere by itself: Routes says where it leads.
	Announced string

	id        string // of the container
	ip        netip.Addr
	image     string
	user      string
	command   []string
	env       map[string]string
	files     map[string]string // by path in the container
	port      int               // that clients dial
	memory    int64             // limit in bytes
	published atomic.Pointer[string]
	answers   func(context.Context, *Cluster) error
}

// Address is the port of 127.0.0.1 that leads to the server; it changes when the server is started again.
func (s *Server) Address() string {
	if at := s.published.Load(); at != nil {
		return *at
	}
	return ""
}

func (c *Cluster) server(name string) (*Server, error) {
	for _, s := range c.servers {
		if s.Name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("there is no server %q", name)
}

// locate finds out which port leads to a server.
func (c *Cluster) locate(ctx context.Context, s *Server) error {
	at, err := c.engine.published(ctx, s)
	if err != nil {
		return fmt.Errorf("%s: find its port: %w", s.Name, err)
	}
	s.published.Store(&at)
	return nil
}

// Kill ends a server by SIGKILL. Its disk stays.
func (c *Cluster) Kill(ctx context.Context, name string) error {
	return c.on(ctx, "kill", name, c.engine.kill)
}

// Probe asks a server for what its clients ask of it.
func (c *Cluster) Probe(ctx context.Context, name string) error {
	s, err := c.server(name)
	if err != nil {
		return err
	}
	return s.answers(ctx, c)
}

// Stop ends a server in order.
func (c *Cluster) Stop(ctx context.Context, name string) error {
	return c.on(ctx, "stop", name, c.engine.stop)
}

// Freeze stops all of a server's processes without ending them.
func (c *Cluster) Freeze(ctx context.Context, name string) error {
	return c.on(ctx, "freeze", name, c.engine.freeze)
}

// Thaw lets a frozen server go on.
func (c *Cluster) Thaw(ctx context.Context, name string) error {
	if err := c.on(ctx, "thaw", name, c.engine.thaw); err != nil {
		return err
	}
	return c.settle(ctx, "thaw", name)
}

// Start starts a server that was killed or stopped; Await says when it answers. Its port is another then.
func (c *Cluster) Start(ctx context.Context, name string) error {
	if err := c.on(ctx, "start", name, c.engine.start); err != nil {
		return err
	}
	if err := c.settle(ctx, "start", name); err != nil {
		return err
	}
	s, err := c.server(name)
	if err != nil {
		return err
	}
	return c.locate(ctx, s)
}

// settle gives a server that goes on the routes that it should have.
func (c *Cluster) settle(ctx context.Context, what, name string) error {
	s, err := c.server(name)
	if err == nil {
		err = c.routes(ctx, s)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, name, err)
	}
	return nil
}

// revive brings up every server that a run left dead, frozen or cut off.
func (c *Cluster) revive(ctx context.Context) error {
	var all errgroup.Group
	for _, s := range c.servers {
		all.Go(func() error {
			if err := c.engine.thaw(ctx, s.id); err != nil && !errdefs.IsInternal(err) {
				return fmt.Errorf("thaw %s: %w", s.Name, err)
			}
			return c.Start(ctx, s.Name)
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	return c.Ready(ctx)
}

// Await waits until a server answers real queries.
func (c *Cluster) Await(ctx context.Context, name string) error {
	s, err := c.server(name)
	if err != nil {
		return err
	}
	return c.ready(ctx, s)
}

func (c *Cluster) on(ctx context.Context, what, name string, do func(context.Context, string) error) error {
	s, err := c.server(name)
	if err == nil {
		err = do(ctx, s.id)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, name, err)
	}
	return nil
}
