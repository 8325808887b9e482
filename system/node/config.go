// Package node builds a running role from a Config; it is the only place where roles and adapters meet.
package node

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/gateway"
	"github.com/chatlab/chatlab/system/push"
	"github.com/chatlab/chatlab/system/trace"
	"github.com/chatlab/chatlab/system/transport"
)

// The roles.
const (
	Edge     = "edge"
	Gateway  = "gateway"
	Message  = "message"
	Presence = "presence"
	Fanout   = "fanout"
	Push     = "push"
)

// These are no roles that run on: migrate ends when the stores have what the roles need, drain when a gateway has let
// its sockets go.
const (
	migrate = "migrate"
	drain   = "drain"
)

// Roles lists them in the order in which a system starts.
func Roles() []string { return []string{Message, Presence, Fanout, Push, Gateway, Edge} }

// Config is everything that a role can be told. A role ignores what it does not use.
type Config struct {
	Role     string
	Name     string // of this pod, unique in its role: gateway-1
	Switches chat.Switches

	PublicListen string // edge: REST; gateway: WebSocket
	RPCListen    string // gateway, message, presence: gRPC
	AdminListen  string // /healthz, /readyz, /metrics

	Kafka         []string // brokers
	Partitions    int      // of chat.message_sent, when it is made
	LogReplicas   int
	Cassandra     []string // contact points, IP:port
	Keyspace      string
	RowReplicas   int
	RedisCache    string
	RedisPresence string

	Messages      []string          // gRPC addresses of message pods
	Presences     []string          // gRPC addresses of presence pods
	Gateways      map[string]string // gRPC address by gateway name
	GatewayPublic map[string]string // address that devices are told, by gateway name

	UserKeys   []byte // JWKS that verifies user tokens
	TicketKey  []byte // private key that signs tickets (edge)
	TicketKeys []byte // JWKS that verifies tickets (gateway)
	KeyFiles   KeyFiles

	Security Security
	Memory   func() (used, limit uint64) // of a gateway, in bytes; nil: it never sheds

	Push push.Providers // how FCM and APNs are reached (push)

	PresenceTTL  time.Duration // a device is online so long after its last sign of life (document: 60 s)
	Heartbeat    time.Duration // how often a device gives one (document: 30 s)
	GroupSession time.Duration // how long a consumer group waits for a silent member
	Pace         time.Duration // how often an idle role looks at gateways, leaders, lag and a log without news
	Drain        time.Duration // how long a gateway takes to let its sockets go after SIGTERM (document: 5 s)
	Window       time.Duration // how long drain asks for (document: 30 s)

	Trace         trace.Config   // Endpoint, Ratio or Exporter; the rest is filled in
	GatewayLimits gateway.Limits // what is zero takes its default
	// Moderate refuses a text before anything of it is written (message). Nil lets everything pass.
	Moderate func(ctx context.Context, sender chat.ID, content string) error

	Network transport.Network
	Now     func() time.Time
	Logger  *slog.Logger
}

// KeyFiles are where keys came from, and come from again when the files change. Empty: they do not.
type KeyFiles struct{ User, Ticket, Tickets string }

// withDefaults fills what was left open.
func (c Config) withDefaults() Config {
	def(&c.Partitions, 24)
	def(&c.LogReplicas, 3)
	def(&c.RowReplicas, 3)
	def(&c.Keyspace, "chat")
	def(&c.PresenceTTL, time.Minute)
	def(&c.Heartbeat, 30*time.Second)
	def(&c.GroupSession, 6*time.Second)
	def(&c.Pace, time.Second)
	def(&c.Drain, 5*time.Second)
	def(&c.PublicListen, "127.0.0.1:0")
	def(&c.RPCListen, "127.0.0.1:0")
	def(&c.AdminListen, "127.0.0.1:0")
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Validate says what is missing before anything is dialed.
func (c Config) Validate() error {
	if err := c.Switches.Validate(); err != nil {
		return err
	}
	needs, ok := needs()[c.Role]
	if !ok {
		return fmt.Errorf("role %q is unknown: want one of %v", c.Role, Roles())
	}
	has := map[string]bool{
		"--name": c.Name != "", "--kafka": len(c.Kafka) > 0, "--cassandra": len(c.Cassandra) > 0,
		"--redis-cache": c.RedisCache != "", "--redis-presence": c.RedisPresence != "",
		"--messages": len(c.Messages) > 0, "--presences": len(c.Presences) > 0,
		"--gateways": len(c.Gateways) > 0, "--gateway-public": len(c.GatewayPublic) > 0,
		"--user-jwks": len(c.UserKeys) > 0, "--ticket-key": len(c.TicketKey) > 0, "--ticket-jwks": len(c.TicketKeys) > 0,
		"--cluster-secret": c.Security.ClusterSecret != "" || len(c.Security.Secret) > 0 || c.Security.InsecureRPC,
	}
	if c.Role == drain && (c.Window < minDrain || c.Window > maxDrain) {
		return fmt.Errorf("--window %s: want %s to %s", c.Window, minDrain, maxDrain)
	}
	missing := slices.DeleteFunc(needs, func(flag string) bool { return has[flag] })
	if len(missing) > 0 {
		return fmt.Errorf("role %s needs %s", c.Role, strings.Join(missing, ", "))
	}
	return c.Security.validate(c)
}

// needs lists the flags without which a role cannot work.
func needs() map[string][]string {
	return map[string][]string{
		Edge:     {"--name", "--messages", "--presences", "--gateways", "--gateway-public", "--user-jwks", "--ticket-key", "--cluster-secret"},
		Gateway:  {"--name", "--messages", "--presences", "--user-jwks", "--ticket-jwks", "--cluster-secret"},
		Message:  {"--name", "--kafka", "--cassandra", "--redis-cache", "--cluster-secret"},
		Presence: {"--name", "--redis-presence", "--cluster-secret"},
		Fanout:   {"--name", "--kafka", "--cassandra", "--redis-cache", "--redis-presence", "--gateways", "--cluster-secret"},
		Push:     {"--name", "--kafka", "--cassandra", "--redis-presence"},
		migrate:  {"--kafka", "--cassandra"},
		drain:    nil,
	}
}
