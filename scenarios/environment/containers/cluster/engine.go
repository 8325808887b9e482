package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	dockernetwork "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	tcnetwork "github.com/testcontainers/testcontainers-go/network"
)

// engine is the container engine.
type engine struct{ *testcontainers.DockerClient }

// connect reaches the engine. Its own cleaner, which is one more image to have, is left out: a cluster removes itself,
// and the next one what a crash left.
func connect(ctx context.Context) (*engine, error) {
	if err := os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true"); err != nil {
		return nil, err
	}
	log.SetDefault(log.NewNoopLogger())
	c, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err == nil {
		_, err = c.Ping(ctx, client.PingOptions{})
	}
	if err != nil {
		return nil, fmt.Errorf("no container engine answers: start one, or type make engine: %w", err)
	}
	return &engine{c}, nil
}

func newID() string { return strings.ToLower(rand.Text()[:8]) }

func (e *engine) has(ctx context.Context, image string) (bool, error) {
	_, err := e.ImageInspect(ctx, image)
	if errdefs.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// create makes a server's container with its files in it, starts it, and returns its id.
func (e *engine) create(ctx context.Context, c *Cluster, s *Server) (string, error) {
	files := make([]testcontainers.ContainerFile, 0, len(s.files))
	for at, text := range s.files {
		files = append(files, testcontainers.ContainerFile{Reader: strings.NewReader(text), ContainerFilePath: at, FileMode: 0o755})
	}
	port, err := dockernetwork.ParsePort(fmt.Sprint(s.port))
	if err != nil {
		return "", err
	}
	made, err := testcontainers.Run(ctx, s.image,
		testcontainers.WithLogger(log.NewNoopLogger()),
		testcontainers.WithName("chatlab-"+c.id+"-"+s.Name),
		testcontainers.WithLabels(c.labels(s.Name)),
		testcontainers.WithEntrypoint(s.command...),
		testcontainers.WithEnv(s.env),
		testcontainers.WithFiles(files...),
		testcontainers.WithExposedPorts(port.String()),
		tcnetwork.WithNetworkName(nil, c.network.name),
		testcontainers.WithConfigModifier(func(cfg *container.Config) { cfg.User, cfg.Hostname = s.user, s.Name }),
		testcontainers.WithHostConfigModifier(func(cfg *container.HostConfig) {
			cfg.Memory, cfg.MemorySwap = s.memory, s.memory
			cfg.CapAdd = []string{"NET_ADMIN"} // to cut wires; the server itself is no root and has it not
			cfg.PortBindings = dockernetwork.PortMap{port: {{HostIP: netip.AddrFrom4([4]byte{127, 0, 0, 1})}}}
		}),
		testcontainers.WithEndpointSettingsModifier(func(ends map[string]*dockernetwork.EndpointSettings) {
			for _, end := range ends {
				end.IPAMConfig = &dockernetwork.EndpointIPAMConfig{IPv4Address: s.ip}
			}
		}),
	)
	if made == nil {
		return "", fmt.Errorf("create container of %s: %w\nWhere no registry can be reached, make images builds what is missing", s.image, err)
	}
	if err != nil {
		err = fmt.Errorf("start container: %w\n%s", err, e.lastWords(made.GetContainerID()))
	}
	return made.GetContainerID(), err
}

// published is where a server's port can be reached from here.
func (e *engine) published(ctx context.Context, s *Server) (string, error) {
	res, err := e.ContainerInspect(ctx, s.id, client.ContainerInspectOptions{})
	if err != nil {
		return "", err
	}
	for _, bindings := range res.Container.NetworkSettings.Ports {
		for _, b := range bindings {
			return net.JoinHostPort(b.HostIP.String(), b.HostPort), nil
		}
	}
	return "", errors.New("its container has ended")
}

// lastWords are the end of a container's log.
func (e *engine) lastWords(id string) string {
	if id == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	logs, err := e.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: "20"})
	if err != nil {
		return err.Error()
	}
	defer logs.Close()
	var text bytes.Buffer
	if _, err := stdcopy.StdCopy(&text, &text, io.LimitReader(logs, 64<<10)); err != nil {
		return err.Error()
	}
	return text.String()
}

func (e *engine) kill(ctx context.Context, id string) error {
	_, err := e.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: "SIGKILL"})
	if errdefs.IsConflict(err) { // it does not run
		return nil
	}
	return err
}

// stop goes on when ctx ends: the engine would, too, and whoever starts the server then would find it running.
func (e *engine) stop(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	patience := 20 // seconds
	_, err := e.ContainerStop(ctx, id, client.ContainerStopOptions{Timeout: &patience})
	return err
}

func (e *engine) start(ctx context.Context, id string) error {
	_, err := e.ContainerStart(ctx, id, client.ContainerStartOptions{})
	return err
}

func (e *engine) freeze(ctx context.Context, id string) error {
	_, err := e.ContainerPause(ctx, id, client.ContainerPauseOptions{})
	return err
}

func (e *engine) thaw(ctx context.Context, id string) error {
	_, err := e.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
	if errdefs.IsConflict(err) { // it is not frozen
		return nil
	}
	return err
}
