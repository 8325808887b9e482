package cluster

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// Wire is the way from one server to another of its kind: what it sends there.
type Wire struct{ From, To string }

// Wires lists the wires between servers whose names match two patterns.
func (c *Cluster) Wires(from, to string) (out []Wire) {
	for _, a := range c.servers {
		for _, b := range c.servers {
			fits, _ := path.Match(from, a.Name)
			also, _ := path.Match(to, b.Name)
			if fits && also && a != b && a.Kind == b.Kind && a.Kind != Redis {
				out = append(out, Wire{a.Name, b.Name})
			}
		}
	}
	return out
}

// Cut makes a wire a black hole: what goes that way is lost without an error, until Mend was called as often.
func (c *Cluster) Cut(ctx context.Context, w Wire) error { return c.cut(ctx, w, 1) }

// Mend takes back a Cut.
func (c *Cluster) Mend(ctx context.Context, w Wire) error { return c.cut(ctx, w, -1) }

func (c *Cluster) cut(ctx context.Context, w Wire, by int) error {
	from, err := c.server(w.From)
	if err != nil {
		return err
	}
	c.cutting.Lock()
	defer c.cutting.Unlock()
	if c.cuts == nil {
		c.cuts = map[Wire]int{}
	}
	c.cuts[w] += by
	if err := c.route(ctx, from); err != nil {
		c.cuts[w] -= by
		return err
	}
	return nil
}

// routes makes a server's routes again: those of one that was started ended with it, one that was frozen had to wait, and runs
// that crashed may have left some.
func (c *Cluster) routes(ctx context.Context, s *Server) error {
	c.cutting.Lock()
	defer c.cutting.Unlock()
	return c.route(ctx, s)
}

// route leads what a server sends over wires that are cut to its own loopback, where nobody takes it.
func (c *Cluster) route(ctx context.Context, s *Server) error {
	var script strings.Builder
	for _, w := range c.Wires(s.Name, "*") {
		to, err := c.server(w.To)
		if err != nil {
			return err
		}
		if c.cuts[w] > 0 {
			fmt.Fprintf(&script, "ip route replace %s/32 dev lo || exit 1\n", to.ip)
		} else {
			fmt.Fprintf(&script, "ip route del %s/32 dev lo 2>/dev/null\n", to.ip)
		}
	}
	if script.Len() == 0 {
		return nil
	}
	err := c.engine.asRoot(ctx, s.id, "sh", "-c", script.String()+"true")
	if answers, rerr := c.engine.answers(ctx, s.id); err != nil && rerr == nil && !answers {
		return nil // it sends nothing now; when it is started or thawed it gets its routes
	}
	return err
}

// answers says whether commands can be run in a container.
func (e *engine) answers(ctx context.Context, id string) (bool, error) {
	res, err := e.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return false, err
	}
	return res.Container.State.Running && !res.Container.State.Paused, nil
}

// asRoot runs a command in a container and returns an error with what it said if it failed.
func (e *engine) asRoot(ctx context.Context, id string, command ...string) error {
	made, err := e.ExecCreate(ctx, id, client.ExecCreateOptions{User: "0", Cmd: command, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return fmt.Errorf("run %s: %w", command[0], err)
	}
	attached, err := e.ExecAttach(ctx, made.ID, client.ExecAttachOptions{})
	if err != nil {
		return fmt.Errorf("run %s: %w", command[0], err)
	}
	defer attached.Close()
	var said strings.Builder
	if _, err := stdcopy.StdCopy(&said, &said, attached.Reader); err != nil {
		return fmt.Errorf("run %s: %w", command[0], err)
	}
	done, err := e.ExecInspect(ctx, made.ID, client.ExecInspectOptions{})
	if err == nil && done.ExitCode != 0 {
		err = errors.New("exit code " + strconv.Itoa(done.ExitCode) + ": " + strings.TrimSpace(said.String()))
	}
	if err != nil {
		return fmt.Errorf("run %s: %w", command[0], err)
	}
	return nil
}
