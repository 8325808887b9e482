package worlds

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/chatlab/chatlab/scenarios"
)

// During opens a world for tests, runs them in it and leaves it, also when an interrupt ends them. It returns the exit code.
func During(o Options, tests func(scenarios.Environment) int) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	world, leave, err := Open(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Printf("world %s: %s\n", world.Name(), world.Why())
	interrupted := context.AfterFunc(ctx, func() { _ = leave(); os.Exit(130) })
	code = tests(world)
	if !interrupted() {
		select {} // the interrupt leaves the world and ends the process
	}
	if err := leave(); err != nil {
		fmt.Fprintln(os.Stderr, "leave world:", err)
		return 1
	}
	return code
}
