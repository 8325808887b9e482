package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/moby/moby/client"
)

// find returns the cluster that is kept and works; nil if there is none.
func find(ctx context.Context, cfg Config) (*Cluster, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	began := time.Now()
	e, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	owners, err := e.clusters(ctx)
	for id, owner := range owners {
		if owner != kept {
			continue
		}
		c := &Cluster{id: id, owner: kept, engine: e, log: cfg.Log}
		if err := c.attach(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("use the cluster that is kept: %w\nchatlab down removes it", err), e.Close())
		}
		c.Took = time.Since(began)
		return c, nil
	}
	return nil, errors.Join(err, e.Close())
}

// attach finds the containers of a cluster that another process started, and waits until they answer.
func (c *Cluster) attach(ctx context.Context) (err error) {
	c.network = &network{name: networkName(c.id)}
	if err := c.engine.readRange(ctx, c.network); err != nil {
		return err
	}
	if c.servers, err = servers(Images{}, c.network); err != nil {
		return err
	}
	made, err := c.engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: of(c.id)})
	if err != nil {
		return err
	}
	for _, found := range made.Items {
		if s, err := c.server(found.Labels[labelServer]); err == nil {
			s.id = found.ID
		}
	}
	for _, s := range c.servers {
		if s.id == "" {
			return fmt.Errorf("%s is not there", s.Name)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return c.revive(ctx)
}

// Remove removes the clusters that are kept, and what runs left that crashed; it says how many.
func Remove(ctx context.Context) (n int, err error) {
	e, err := connect(ctx)
	if err != nil {
		return 0, err
	}
	defer e.Close()
	owners, err := e.clusters(ctx)
	for id, owner := range owners {
		if owner != kept && !orphaned(owner) {
			continue
		}
		if rerr := e.remove(ctx, id); rerr != nil {
			err = errors.Join(err, rerr)
			continue
		}
		n++
	}
	return n, err
}
