package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/containers"
	"github.com/chatlab/chatlab/scenarios/environment/containers/cluster"
	"github.com/chatlab/chatlab/scenarios/environment/deployment"
	"github.com/chatlab/chatlab/scenarios/environment/embedded"
)

// enter opens the world that was asked for; leave ends what it started.
func (r runCommand) enter(c *console, words *lastWords) (env scenarios.Environment, leave func() error, err error) {
	cfg := deployment.Config{LastWords: words.hear}
	nothing := func() error { return nil }
	switch r.World {
	case "":
		return embedded.Environment{Config: cfg, Reason: "the default, because nothing has to be installed"}, nothing, nil
	case "embedded":
		return embedded.Environment{Config: cfg, Reason: "chosen by --world or CHATLAB_WORLD"}, nothing, nil
	case "containers":
		log := slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: r.LogLevel}))
		c.say(0, "starting Kafka, Cassandra and Redis in containers, unless chatlab up keeps some")
		world, err := containers.Open(c.ctx, cluster.Config{Images: r.Images.names(), Log: log})
		if err != nil {
			return nil, nil, err
		}
		world.Config = cfg
		world.Reason = fmt.Sprintf("chosen by --world or CHATLAB_WORLD; its servers answered after %s", world.Took().Round(100*time.Millisecond))
		return world, world.Close, nil
	}
	return nil, nil, fmt.Errorf("world %q does not exist: leave out --world and CHATLAB_WORLD, or say embedded: real drivers, pods as "+
		"processes, stores as stand-ins with nothing to install; or containers: the same around real Kafka, Cassandra and Redis", r.World)
}
