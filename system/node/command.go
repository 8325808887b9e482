package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/message"
	"github.com/chatlab/chatlab/system/push"
	"github.com/chatlab/chatlab/system/trace"
	"github.com/chatlab/chatlab/system/transport"
)

// flags are what `chatd ROLE` takes, from the command line or from the environment.
type flags struct {
	Role string `arg:"" enum:"edge,gateway,message,presence,fanout,push,migrate,drain" help:"One of the above."`

	Name     string `group:"This pod" help:"Its name, unique in its role. Every role but migrate and drain needs it." env:"CHATD_NAME" placeholder:"gateway-1"`
	Profile  string `group:"This pod" help:"Mitigations: hardened keeps the promises, mitigated is the document made honest, document has none." enum:"hardened,mitigated,document" default:"hardened" env:"CHATD_PROFILE"`
	Switches string `group:"This pod" help:"JSON that changes single switches of the profile, for example {\"group_limit\":0}." env:"CHATD_SWITCHES" placeholder:"JSON"`

	PublicListen string `group:"This pod" help:"Where devices connect (edge, gateway)." default:"127.0.0.1:0" env:"CHATD_PUBLIC_LISTEN"`
	RPCListen    string `group:"This pod" help:"Where other roles call (gateway, message, presence)." default:"127.0.0.1:0" env:"CHATD_RPC_LISTEN"`
	AdminListen  string `group:"This pod" help:"Where /healthz, /readyz and /metrics are." default:"127.0.0.1:0" env:"CHATD_ADMIN_LISTEN"`

	LogLevel    slog.Level    `group:"This pod" help:"debug, info, warn or error; the log goes to stderr." default:"info" env:"CHATD_LOG_LEVEL"`
	Drain       time.Duration `group:"This pod" help:"How long a gateway takes to let its sockets go after SIGTERM." default:"5s" env:"CHATD_DRAIN"`
	Window      time.Duration `group:"This pod" help:"How long chatd drain asks the gateway to take, 1s to 5m." default:"30s" env:"CHATD_WINDOW"`
	RefuseWords string        `group:"This pod" help:"File with words, one a line: texts that hold one are refused before anything of them is written (message)." env:"CHATD_REFUSE_WORDS" type:"existingfile" placeholder:"FILE"`
	WatchLife   bool          `group:"This pod" help:"End when standard input closes: for a parent that may die." env:"CHATD_WATCH_LIFE"`
	Check       bool          `group:"This pod" help:"Read flags and files, say what is wrong with them, and end." env:"CHATD_CHECK"`

	TraceEndpoint string  `group:"This pod" help:"Collector that takes spans by OTLP over gRPC. Without one nothing is traced." env:"CHATD_TRACE_ENDPOINT" placeholder:"http://HOST:PORT"`
	TraceRatio    float64 `group:"This pod" help:"Share of the messages that a gateway begins to trace, 0 to 1. A message that brings a trace context keeps its choice." default:"0.01" env:"CHATD_TRACE_RATIO"`

	Kafka         []string `group:"Stores" help:"Brokers. message, fanout, push and migrate need them." env:"CHATD_KAFKA" placeholder:"HOST:PORT"`
	Partitions    int      `group:"Stores" help:"Partitions of chat.message_sent when migrate makes it; fixed from then on." default:"24" env:"CHATD_PARTITIONS"`
	LogReplicas   int      `group:"Stores" help:"Replicas of the topic when migrate makes it." default:"3" env:"CHATD_LOG_REPLICAS"`
	Cassandra     []string `group:"Stores" help:"Contact points. message, fanout, push and migrate need them." env:"CHATD_CASSANDRA" placeholder:"IP:PORT"`
	Keyspace      string   `group:"Stores" help:"Keyspace in Cassandra." default:"chat" env:"CHATD_KEYSPACE"`
	RowReplicas   int      `group:"Stores" help:"Replication factor when migrate makes the keyspace." default:"3" env:"CHATD_ROW_REPLICAS"`
	RedisCache    string   `group:"Stores" help:"Redis of the message cache. message and fanout need it." env:"CHATD_REDIS_CACHE" placeholder:"HOST:PORT"`
	RedisPresence string   `group:"Stores" help:"Redis of presence. presence, fanout and push need it." env:"CHATD_REDIS_PRESENCE" placeholder:"HOST:PORT"`

	Messages      []string          `group:"Other roles" help:"gRPC addresses of message pods. edge and gateway need them." env:"CHATD_MESSAGES" placeholder:"HOST:PORT"`
	Presences     []string          `group:"Other roles" help:"gRPC addresses of presence pods. edge and gateway need them." env:"CHATD_PRESENCES" placeholder:"HOST:PORT"`
	Gateways      map[string]string `group:"Other roles" help:"gRPC addresses of gateways by name. edge and fanout need them." env:"CHATD_GATEWAYS" placeholder:"NAME=HOST:PORT"`
	GatewayPublic map[string]string `group:"Other roles" help:"Addresses that devices are told, for every gateway by name. edge needs them." env:"CHATD_GATEWAY_PUBLIC" placeholder:"NAME=HOST:PORT"`
	Names         map[string]string `group:"Other roles" help:"Addresses that stand for announced names, for example behind published ports." env:"CHATD_NAMES" placeholder:"HOST:PORT=HOST:PORT"`

	UserJWKS   string `group:"Keys" name:"user-jwks" help:"File with the JWKS that verifies user tokens. edge and gateway need it." env:"CHATD_USER_JWKS" type:"existingfile" placeholder:"FILE"`
	TicketKey  string `group:"Keys" help:"File with the private JWK that signs tickets. edge needs it." env:"CHATD_TICKET_KEY" type:"existingfile" placeholder:"FILE"`
	TicketJWKS string `group:"Keys" name:"ticket-jwks" help:"File with the JWKS that verifies tickets. gateway needs it." env:"CHATD_TICKET_JWKS" type:"existingfile" placeholder:"FILE"`

	Security Security `embed:""`

	FCMCredentials string `group:"Push providers (push)" name:"fcm-credentials" help:"File of the service account that sends through FCM. Without it FCM is not used." env:"CHATD_FCM_CREDENTIALS" type:"existingfile" placeholder:"FILE"`
	FCMURL         string `group:"Push providers (push)" name:"fcm-url" help:"Where FCM is." default:"https://fcm.googleapis.com" env:"CHATD_FCM_URL"`
	APNsKey        string `group:"Push providers (push)" name:"apns-key" help:"File with the private key (.p8) that signs provider tokens for APNs. Without it APNs is not used." env:"CHATD_APNS_KEY" type:"existingfile" placeholder:"FILE"`
	APNsKeyID      string `group:"Push providers (push)" name:"apns-key-id" help:"Id of that key." env:"CHATD_APNS_KEY_ID" placeholder:"ID"`
	APNsTeam       string `group:"Push providers (push)" name:"apns-team" help:"Team that owns it." env:"CHATD_APNS_TEAM" placeholder:"ID"`
	APNsTopic      string `group:"Push providers (push)" name:"apns-topic" help:"Bundle id of the app." env:"CHATD_APNS_TOPIC" placeholder:"ID"`
	APNsURL        string `group:"Push providers (push)" name:"apns-url" help:"Where APNs is." default:"https://api.push.apple.com" env:"CHATD_APNS_URL"`
	PushCA         string `group:"Push providers (push)" name:"push-ca" help:"File with the private authority that signs the providers' certificates, instead of the machine's own." env:"CHATD_PUSH_CA" type:"existingfile" placeholder:"FILE"`

	PresenceTTL  time.Duration `group:"Times, the same in all pods" help:"A device is online so long after its last sign of life." default:"60s" env:"CHATD_PRESENCE_TTL"`
	Heartbeat    time.Duration `group:"Times, the same in all pods" help:"How often a device gives a sign of life." default:"30s" env:"CHATD_HEARTBEAT"`
	GroupSession time.Duration `group:"Times, the same in all pods" help:"How long a consumer group waits for a silent member." default:"6s" env:"CHATD_GROUP_SESSION"`
	Pace         time.Duration `group:"Times, the same in all pods" help:"How often an idle pod looks at gateways, at the log's leaders and for news." default:"1s" env:"CHATD_PACE"`
}

const about = `Runs one role of the chat system until SIGTERM or Ctrl-C:

  edge      answers REST and gives each device a session at a gateway
  gateway   holds the devices' WebSockets
  message   takes sends to the log and answers history
  presence  knows who is online where
  fanout    gives messages their place, stores and pushes them
  push      notifies members whom a message has not reached, through FCM and APNs
  migrate   makes keyspace, tables and topic, then ends
  drain     asks the gateway at --admin-listen to let its sockets go, and ends when they have: for a hook before a pod's end

chatd dead-letters lists, shows and sends again the records that no worker could process: see chatd dead-letters --help.
chatd keys makes keys and tokens for development: see chatd keys --help.

Once it listens it prints its addresses as one line of JSON. SIGHUP makes it look at its key files at once; it does so by itself within 5 s. Every flag can also be set by the environment variable shown beside it. To try the API without any store, chatd all runs every role in one process: see chatd all --help.

Exit codes: 0 ended as asked, 2 wrong command line, 3 could not start or go on.`

// Exit codes of Main.
const (
	ExitOK    = 0
	ExitUsage = 2
	ExitSetUp = 3
)

// Main runs one role until SIGTERM or SIGINT and returns the exit code. Its first line on stdout is the node's
// Addresses as JSON; the log goes to stderr.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		if make, ok := tools()[args[0]]; ok {
			return make().main(args[1:], stdout, stderr)
		}
	}
	var f flags
	exited := -1
	parser, err := kong.New(&f, kong.Name("chatd"), kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.Description(about))
	if err != nil {
		fmt.Fprintln(stderr, "chatd:", err)
		return ExitSetUp
	}
	_, err = parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "chatd: %v\nTry: chatd --help\n", err)
		return ExitUsage
	}
	wall := &clock{}
	cfg, err := f.config(stderr, wall.Now)
	if err != nil {
		fmt.Fprintf(stderr, "chatd: %v\nTry: chatd --help\n", err)
		return ExitUsage
	}
	if f.Check {
		return ExitOK
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	if f.WatchLife {
		ctx = endWith(ctx, stdin, wall, stdout)
	}
	if err := serve(ctx, cfg, stdout); err != nil {
		fmt.Fprintf(stderr, "chatd: %v\n", err)
		return ExitSetUp
	}
	return ExitOK
}

func serve(ctx context.Context, cfg Config, stdout io.Writer) error {
	switch cfg.Role {
	case migrate:
		return Migrate(ctx, cfg)
	case drain:
		return askToDrain(ctx, cfg.AdminListen, cfg.Window, stdout)
	}
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP) // from the start: it would end the process
	defer signal.Stop(hangUp)
	n, err := Start(ctx, cfg)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(n.Addresses()); err != nil {
		return fmt.Errorf("tell addresses: %w", err)
	}
	for ctx.Err() == nil {
		select {
		case <-hangUp:
			n.Reload()
		case <-ctx.Done():
		}
	}
	cfg.Logger.Info("stop", "name", cfg.Name)
	ctx, cancel := context.WithTimeout(context.Background(), cfg.Drain+5*time.Second)
	defer cancel()
	n.Close(ctx)
	return nil
}

func (f flags) config(stderr io.Writer, now func() time.Time) (Config, error) {
	sw, err := chat.Profile(f.Profile)
	if err != nil {
		return Config{}, err
	}
	if f.Switches != "" {
		if err := strictJSON(f.Switches, &sw); err != nil {
			return Config{}, fmt.Errorf("--switches: %w", err)
		}
	}
	c := Config{
		Role: f.Role, Name: f.Name, Switches: sw, PublicListen: f.PublicListen, RPCListen: f.RPCListen, AdminListen: f.AdminListen,
		Kafka: f.Kafka, Partitions: f.Partitions, LogReplicas: f.LogReplicas, Cassandra: f.Cassandra, Keyspace: f.Keyspace, RowReplicas: f.RowReplicas,
		RedisCache: f.RedisCache, RedisPresence: f.RedisPresence, Messages: f.Messages, Presences: f.Presences, Gateways: f.Gateways, GatewayPublic: f.GatewayPublic,
		PresenceTTL: f.PresenceTTL, Heartbeat: f.Heartbeat, GroupSession: f.GroupSession, Pace: f.Pace, Drain: f.Drain, Window: f.Window,
		Push:    push.Providers{FCMURL: f.FCMURL, APNsKeyID: f.APNsKeyID, APNsTeam: f.APNsTeam, APNsTopic: f.APNsTopic, APNsURL: f.APNsURL},
		Network: transport.Network{Names: f.Names}, Trace: trace.Config{Endpoint: f.TraceEndpoint, Ratio: f.TraceRatio},
		Now:    now,
		Logger: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: f.LogLevel})).With("pod", f.Name),
	}
	for _, keys := range []struct {
		file string
		into *[]byte
	}{{f.UserJWKS, &c.UserKeys}, {f.TicketKey, &c.TicketKey}, {f.TicketJWKS, &c.TicketKeys},
		{f.FCMCredentials, &c.Push.FCMCredentials}, {f.APNsKey, &c.Push.APNsKey}, {f.PushCA, &c.Push.CA}} {
		if keys.file == "" {
			continue
		}
		if *keys.into, err = os.ReadFile(keys.file); err != nil {
			return Config{}, fmt.Errorf("read keys: %w", err)
		}
	}
	c.KeyFiles, c.Security = KeyFiles{f.UserJWKS, f.TicketKey, f.TicketJWKS}, f.Security
	if f.Role == Gateway {
		c.Memory = memoryOf(f.Security.MemoryLimit, sw.ShedAt)
	}
	if err := f.moderate(&c); err != nil {
		return Config{}, err
	}
	return c, c.Validate()
}

// moderate makes the moderation of a word list.
func (f flags) moderate(c *Config) error {
	if f.RefuseWords == "" {
		return nil
	}
	list, err := os.ReadFile(f.RefuseWords)
	if err != nil {
		return fmt.Errorf("--refuse-words: %w", err)
	}
	words, err := message.ParseWords(list)
	if err != nil {
		return fmt.Errorf("--refuse-words: %w", err)
	}
	c.Moderate = message.RefuseWords(words)
	return nil
}

func strictJSON(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("text after the JSON object")
	}
	return nil
}
