// Package worlds opens a world by its name.
package worlds

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/containers"
	"github.com/chatlab/chatlab/scenarios/environment/containers/cluster"
	"github.com/chatlab/chatlab/scenarios/environment/deployment"
	"github.com/chatlab/chatlab/scenarios/environment/embedded"
)

// The names.
const (
	Auto       = "auto"
	Embedded   = "embedded"
	Containers = "containers"
)

// Variable is the environment variable that names a world.
const Variable = "CHATLAB_WORLD"

// Options say which world to open, and how.
type Options struct {
	Name   string // empty: auto
	Images cluster.Images
	Config deployment.Config
	Log    *slog.Logger
	Say    func(string) // hears of what takes long; nil: nobody does
}

// Named is the world that the environment names for tests; short ones are always embedded.
func Named(short bool) string {
	if short {
		return Embedded
	}
	return os.Getenv(Variable)
}

// Open opens a world; leave ends what it started. Auto takes containers where an engine answers that has their images.
func Open(ctx context.Context, o Options) (env scenarios.Environment, leave func() error, err error) {
	why := "chosen by --world or " + Variable
	if o.Name == "" || o.Name == Auto {
		o.Name, why = choose(ctx, o.Images)
	}
	switch o.Name {
	case Embedded:
		return embedded.Environment{Config: o.Config, Reason: why}, func() error { return nil }, nil
	case Containers:
		return openContainers(ctx, o, why)
	}
	return nil, nil, fmt.Errorf("world %q does not exist: leave out --world and %s, or say embedded: real drivers, pods as processes, "+
		"stores as stand-ins with nothing to install; containers: the same around real Kafka, Cassandra and Redis; or auto: containers if "+
		"an engine answers that has their images, else embedded", o.Name, Variable)
}

// Patience is by how much longer than planned a run in a world may settle. Eight real servers on a machine that also carries
// devices and pods take their time; what arrives late is late, and what does not arrive is lost.
func Patience(w scenarios.Environment) int {
	if w.Name() == Containers {
		return 4
	}
	return 1
}

func choose(ctx context.Context, images cluster.Images) (name, why string) {
	if err := cluster.AtHand(ctx, images); err != nil {
		return Embedded, "nothing has to be installed for it; for containers, " + err.Error()
	}
	return Containers, "an engine answers that has the images"
}

func openContainers(ctx context.Context, o Options, why string) (scenarios.Environment, func() error, error) {
	if o.Say != nil {
		o.Say("starting Kafka, Cassandra and Redis in containers, unless chatlab up keeps some")
	}
	if o.Images == (cluster.Images{}) {
		o.Images = cluster.FromEnvironment()
	}
	world, err := containers.Open(ctx, cluster.Config{Images: o.Images, Log: o.Log})
	if err != nil {
		return nil, nil, err
	}
	world.Config = o.Config
	world.Reason = fmt.Sprintf("%s; its servers answered after %s", why, world.Took().Round(100*time.Millisecond))
	return world, world.Close, nil
}
