package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/trace"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// Config is what a gateway needs.
type Config struct {
	Name     string // that tickets are made for
	Switches chat.Switches
	Now      func() time.Time // wall clock: server_time and the expiry of tokens
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Tracer   *trace.Tracer // nil: nobody traces

	// VerifyTicket and VerifyUser answer chat errors: token_missing, token_invalid, token_expired.
	VerifyTicket func(ticket string) (token.Ticket, error)
	VerifyUser   func(userToken string) (token.User, error)
	// MessagesFor returns the message pod that has an affinity to a conversation.
	MessagesFor func(conversation chat.ID) pb.MessagesClient
	Presence    pb.PresencesClient
	// Limiter takes one send of the user, or says when to come back. Nil: no limit.
	Limiter func(user chat.ID) (ok bool, retryAfter time.Duration)
	// Admit takes a request of an address before anything is known of who asks. Nil: all.
	Admit func(*http.Request) *chat.Error
	// Memory says what the process uses and may use, in bytes; a limit of 0 means that there is none. Nil: never shed.
	Memory func() (used, limit uint64)
	// Origins are host patterns of web pages that may connect besides those of the gateway's own host.
	Origins []string

	PresenceTTL time.Duration // a device is online so long after its last sign of life; 1 min
	Limits      Limits
}

// Limits bound what one gateway and one session hold. A field left at zero takes its default.
type Limits struct {
	Connections int           // 50,000
	OutboxBytes int           // that wait for one session's socket; 1 MiB
	AcceptRate  float64       // new connections a second, as many at once; 2,000
	FrameRate   float64       // frames of one session a second; 100
	FrameBurst  int           // of those at once; twice the rate
	Sends       int           // frames of one session that wait for other services; 32
	BadFrames   int           // in a row, before the session is closed; 10
	Linger      time.Duration // between two writes to a busy socket; 40 ms, negative: none
	Idle        time.Duration // without a frame from the device; 5 min
	Ping        time.Duration // of silence before the device is pinged; a third of PresenceTTL
	Write       time.Duration // one write to a socket; 10 s
	Send        time.Duration // one send, from its arrival to the message service's answer; 4.5 s
	Call        time.Duration // any other call to another role; 2 s
	Watch       time.Duration // between two questions after those whose presence sessions watch; 5 s
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	if c.Limiter == nil {
		c.Limiter = func(chat.ID) (bool, time.Duration) { return true, 0 }
	}
	if c.Admit == nil {
		c.Admit = func(*http.Request) *chat.Error { return nil }
	}
	def(&c.PresenceTTL, time.Minute)
	l := &c.Limits
	def(&l.Connections, 50_000)
	def(&l.OutboxBytes, 1<<20)
	def(&l.AcceptRate, 2000)
	def(&l.FrameRate, 100)
	def(&l.FrameBurst, max(1, int(2*l.FrameRate)))
	def(&l.Sends, resilience.GatewaySend.Policy().InFlight)
	def(&l.BadFrames, 10)
	def(&l.Linger, 40*time.Millisecond)
	def(&l.Idle, 5*time.Minute)
	def(&l.Ping, c.PresenceTTL/pings)
	def(&l.Write, resilience.GatewayWrite.Timeout())
	def(&l.Send, resilience.GatewaySend.Timeout())
	def(&l.Call, resilience.GatewayCall.Timeout())
	def(&l.Watch, 5*time.Second)
	return c
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func (c Config) validate() error {
	switch {
	case c.Name == "":
		return errors.New("gateway needs a name")
	case c.VerifyTicket == nil || c.VerifyUser == nil:
		return errors.New("gateway needs VerifyTicket and VerifyUser")
	case c.MessagesFor == nil || c.Presence == nil:
		return errors.New("gateway needs MessagesFor and Presence")
	}
	if l := c.Limits; l.AcceptRate < 0 || l.FrameRate < 0 || l.FrameBurst < 0 || l.Connections < 0 {
		return errors.New("gateway limits must not be negative")
	}
	for _, o := range c.Origins {
		if _, err := path.Match(o, ""); err != nil {
			return fmt.Errorf("read origin %q: %w", o, err)
		}
	}
	return nil
}
