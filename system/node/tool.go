package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/transport"
)

// ExitRefused says that a tool did not do, or not all of, what it was asked for, because that would be wrong.
const ExitRefused = 4

// errRefused is a tool's end with ExitRefused.
var errRefused = errors.New("refused")

// tool is a command that does one thing and ends.
type tool struct {
	name, about string
	flags       any
	run         func(ctx context.Context, chosen string, stdout, stderr io.Writer) error
}

// tools are the commands beside the roles, by name.
func tools() map[string]func() tool {
	return map[string]func() tool{"dead-letters": deadLettersTool, "keys": keysTool, migrate: migrateTool}
}

// main parses the tool's own command line and runs it.
func (t tool) main(args []string, stdout, stderr io.Writer) int {
	exited := -1
	parser, err := kong.New(t.flags, kong.Name("chatd "+t.name), kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.Description(t.about), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(stderr, "chatd:", err)
		return ExitSetUp
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "chatd: %v\nTry: chatd %s --help\n", err, t.name)
		return ExitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	err = t.run(ctx, parsed.Command(), stdout, stderr)
	switch {
	case errors.Is(err, errRefused):
		fmt.Fprintf(stderr, "chatd: %v\n", err)
		return ExitRefused
	case err != nil:
		fmt.Fprintf(stderr, "chatd: %v\n", err)
		return ExitSetUp
	}
	return ExitOK
}

// logFlags are what a tool needs to reach the log.
type logFlags struct {
	Kafka    []string          `group:"Stores" required:"" help:"Brokers." env:"CHATD_KAFKA" placeholder:"HOST:PORT"`
	Names    map[string]string `group:"Stores" help:"Addresses that stand for announced names, for example behind published ports." env:"CHATD_NAMES" placeholder:"HOST:PORT=HOST:PORT"`
	LogLevel slog.Level        `group:"Stores" help:"debug, info, warn or error; the log goes to stderr." default:"warn" env:"CHATD_LOG_LEVEL"`
}

func (f logFlags) logger(stderr io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: f.LogLevel}))
}

func (f logFlags) client(stderr io.Writer) *kafka.Client {
	return kafka.NewClient(kafka.Config{
		Brokers: f.Kafka, ClientID: "chatd-tool", Network: transport.Network{Names: f.Names}, Log: f.logger(stderr), Pace: 100 * time.Millisecond,
	})
}
