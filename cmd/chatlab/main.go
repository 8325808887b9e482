// Command chatlab asks what happens when, and answers with measurements.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/chatlab/chatlab/scenarios/environment/pod"
)

// Exit codes of the binary. `go run` turns every failing one into 1.
const (
	exitPassed       = 0
	exitFailed       = 1
	exitInconclusive = 2
	exitSetUp        = 3
)

type commands struct {
	List    listCommand    `cmd:"" help:"List the scenarios and the question that each asks."`
	Run     runCommand     `cmd:"" help:"Play a scenario, judge it and write its report."`
	Check   checkCommand   `cmd:"" help:"Judge a saved history again."`
	History historyCommand `cmd:"" help:"Print a saved history as JSON lines."`
}

// console is where a command reads and writes, and the code it ends with.
type console struct {
	ctx            context.Context
	stdout, stderr io.Writer
	code           int
}

func main() {
	pod.Main() // does not return in a process that is a pod
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	c := &console{ctx: ctx, stdout: stdout, stderr: stderr}
	exited := -1
	parser, err := kong.New(&commands{}, kong.Name("chatlab"), kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.UsageOnError(), kong.Bind(c),
		kong.Description("What happens to a chat system when ...? Answers with measurements.\n\n"+
			"Exit codes: 0 passed, 1 failed, 2 inconclusive, 3 the set-up is broken."))
	if err != nil {
		fmt.Fprintln(stderr, "chatlab:", err)
		return exitSetUp
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err == nil {
		err = command.Run(c)
	}
	if err != nil {
		fmt.Fprintln(stderr, "chatlab:", err)
		return exitSetUp
	}
	return c.code
}
