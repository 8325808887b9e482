package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/node"
)

type allFlags struct {
	Listen      string        `help:"Where the edge listens." default:"127.0.0.1:8080" env:"CHATD_PUBLIC_LISTEN"`
	KafkaListen string        `help:"Where stock Kafka clients reach the embedded log's one broker; it is printed as KAFKA. Without it the log is the system's own." env:"CHATD_KAFKA_LISTEN" placeholder:"127.0.0.1:9092"`
	Profile     string        `help:"Mitigations: hardened keeps the promises, mitigated is the document made honest, document has none." enum:"hardened,mitigated,document" default:"hardened" env:"CHATD_PROFILE"`
	TLSDev      string        `name:"tls-dev" help:"Directory with a certificate for development, made on the first run: edge and gateway then speak TLS, which clients trust by the ca.pem in it." env:"CHATD_TLS_DEV" type:"path" placeholder:"DIR"`
	Users       []string      `help:"Names of users to make tokens for." default:"alice,bob"`
	TokenFor    time.Duration `help:"How long those tokens are good." default:"12h"`
	LogLevel    slog.Level    `help:"debug, info, warn or error." default:"warn" env:"CHATD_LOG_LEVEL"`
}

const about = `Every role in one process on embedded stores. Nothing is kept: what was said is gone when it ends.

It prints what a shell can read: where the edge is, and an id and a token for each user. For example:

  chatd all > chat.env & until grep -sq READY chat.env; do sleep 0.1; done; . ./chat.env
  curl --oauth2-bearer $ALICE_TOKEN --json "{\"type\":\"direct\",\"members\":[\"$BOB_ID\"]}" $EDGE/api/v1/conversations

With --log-level info it also tells every notification that a phone would get.`

// all runs every role and every store in this process, in memory: to try the API, not to keep anything.
func all(args []string, stdout, stderr io.Writer) int {
	var f allFlags
	exited := -1
	parser, err := kong.New(&f, kong.Name("chatd all"), kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.Description(about))
	if err == nil {
		_, err = parser.Parse(args)
	}
	switch {
	case exited >= 0:
		return exited
	case err != nil:
		fmt.Fprintf(stderr, "chatd: %v\nTry: chatd all --help\n", err)
		return node.ExitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	if err := f.serve(ctx, stdout, stderr); err != nil && ctx.Err() == nil {
		fmt.Fprintf(stderr, "chatd: %v\n", err)
		return node.ExitSetUp
	}
	return node.ExitOK
}

func (f allFlags) serve(ctx context.Context, stdout, stderr io.Writer) error {
	switches, err := chat.Profile(f.Profile)
	if err != nil {
		return err
	}
	w, err := world.Start(ctx, world.Config{
		EdgeListen: f.Listen, TLSDev: f.TLSDev, KafkaListen: f.KafkaListen, Switches: switches, Log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: f.LogLevel})),
	})
	if err != nil {
		return err
	}
	defer w.Close()
	fmt.Fprintf(stdout, "EDGE=%s\n", w.EdgeURL)
	if f.TLSDev != "" {
		fmt.Fprintf(stdout, "CA=%s\n", filepath.Join(f.TLSDev, "ca.pem"))
	}
	if f.KafkaListen != "" {
		fmt.Fprintf(stdout, "KAFKA=%s\n", strings.Join(w.Kafka, ","))
	}
	for _, name := range f.Users {
		id := chat.NewID()
		token, err := w.Token(id, f.TokenFor)
		if err != nil {
			return err
		}
		up := strings.ToUpper(name)
		fmt.Fprintf(stdout, "%s_ID=%s\n%s_TOKEN=%s\n", up, id, up, token)
	}
	fmt.Fprintln(stdout, "READY=1")
	<-ctx.Done()
	return nil
}
