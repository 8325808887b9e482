// Command chatlab asks what happens when, and answers with measurements.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/chatlab/chatlab/reports/terminal"
	"github.com/chatlab/chatlab/scenarios/environment/pod"
	"github.com/chatlab/chatlab/scenarios/load"
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
	Sockets socketsCommand `cmd:"" help:"Hold many idle sockets, kill a gateway, and watch its devices come back: memory, CPU and reconnects."`
	History historyCommand `cmd:"" help:"Print a saved history as JSON lines."`
	Faults  faultsCommand  `cmd:"" help:"Print every kind of fault, how it is written, and which world cannot do it."`
	Up      upCommand      `cmd:"" help:"Start Kafka, Cassandra and Redis in containers, and keep them for the runs that follow."`
	Down    downCommand    `cmd:"" help:"Remove what up started, and what runs left that crashed."`
}

// console is where a command reads and writes, and the code it ends with.
type console struct {
	ctx            context.Context
	stdout, stderr io.Writer
	code           int
}

func main() {
	pod.Main()              // does not return in a process that is a pod
	load.Main()             // nor in one that holds devices for another
	debug.SetGCPercent(400) // devices and stand-ins share the cores with the system that they measure: memory is cheaper here
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once, and the pods with it
	c := &console{ctx: ctx, stdout: stdout, stderr: stderr}
	helped := false
	parser, err := newParser(c, func(int) { helped = true })
	if err != nil {
		fmt.Fprintln(stderr, "chatlab:", err)
		return exitSetUp
	}
	command, err := parser.Parse(args)
	switch {
	case helped:
		return exitPassed
	case err != nil:
		err = fmt.Errorf("%w\nTry: %s --help", err, commandOf(err))
	default:
		err = command.Run(c)
	}
	if err != nil {
		fmt.Fprintln(stderr, "chatlab:", err)
		return exitSetUp
	}
	return c.code
}

func newParser(c *console, exit func(int)) (*kong.Kong, error) {
	return kong.New(&commands{}, kong.Name("chatlab"), kong.Writers(c.stdout, c.stderr), kong.Exit(exit), kong.Bind(c),
		kong.Description("What happens to a chat system when ...? Answers with measurements.\n\n"+
			"Exit codes: 0 passed, 1 failed, 2 inconclusive, 3 the set-up is broken."))
}

// commandOf is how far the command line made sense.
func commandOf(err error) string {
	var p *kong.ParseError
	if errors.As(err, &p) && p.Context.Selected() != nil {
		return "chatlab " + p.Context.Selected().Name
	}
	return "chatlab"
}

func (c *console) screen() terminal.Screen {
	if f, ok := c.stdout.(*os.File); ok {
		return terminal.Detect(f, os.Getenv)
	}
	return terminal.Screen{Width: 100}
}

// say prints a paragraph, in lines where a person reads along.
func (c *console) say(indent int, text string) {
	width := 0
	if s := c.screen(); s.Live {
		width = s.Width
	}
	fmt.Fprint(c.stdout, terminal.Paragraph(text, indent, width))
}
