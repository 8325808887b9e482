package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/transport"
)

// How a device comes back after its connection broke.
const (
	ReconnectJitter    = "jitter"    // exponential backoff with full jitter
	ReconnectImmediate = "immediate" // at once: every device of a dead gateway at the same moment
)

// Config describes one device of one user.
type Config struct {
	EdgeURL string // "https://chat.example" or, without TLS, "http://edge:8080"
	// Token gives the user's token: for each request, and anew before the one of an open connection ends. Several
	// goroutines may call it at a time.
	Token  func(ctx context.Context) (string, error)
	UserID chat.ID
	Device string

	Network transport.Network
	TLS     *tls.Config  // of connections to edge and gateway; nil: the machine's authorities are trusted
	HTTP    *http.Client // shared by many devices of a process, see NewHTTP; nil: one of its own, by Network and TLS

	Reconnect   string // ReconnectJitter when empty
	HeartbeatBy string // "client": also PUT presence with each heartbeat; "gateway" when empty

	Sync string // SyncFull when empty: how a Run gets what the device missed before it

	NoReceipts bool // the device does not tell what it has got

	// RetryRefusal says which refusals Send retries after their retry_after; Retryable when nil.
	RetryRefusal func(chat.Code) bool
	// Positions are the places from which the device resumes, as an earlier Positions call gave them.
	Positions []chat.Position

	// Observe is told everything that happens, one call at a time and in order. It holds up this device's frames, so
	// it must be quick, and it must not call Send or Sync.
	Observe func(Event)
	Now     func() time.Time // wall clock of the device
	Rand    *rand.Rand       // of this device alone; seeds the backoff
	Log     *slog.Logger

	Timeouts Timeouts
	Defects  Defects
}

// Timeouts bound what a device waits for. A zero field means the value that the comment names.
type Timeouts struct {
	Request   time.Duration // 5 s: a REST call, and the WebSocket handshake
	Resume    time.Duration // 5 s: from the handshake to the resumed frame
	Ack       time.Duration // 5 s: from a send frame to its answer, before it is sent again
	Heartbeat time.Duration // 10 s: a connection on which nothing at all answers a heartbeat is broken
	Settle    time.Duration // chat.SettleAfter: from resumed to the first heartbeat, by when no worker routes by an older connection
	Pace      time.Duration // 20 ms: between two conversations that are filled in the background
	Goodbye   time.Duration // 1 s: for the close handshake when Run's context ends
	Hole      time.Duration // 10 s: how long history may show later messages before a missing place counts as not visible
	Start     time.Duration // 1.5 s: the same before the first message of a conversation that the device never saw
}

const (
	stableAfter = 10 * time.Second // a connection that lived this long starts the backoff from its base again

	maxAheadBytes = 256 << 10 // of messages beyond a gap, per conversation; later ones are read from history
	maxFills      = 4         // conversations whose gaps one device fills at the same time
	maxOutbox     = 1 << 20   // bytes that wait to be written before the connection counts as stuck
	maxReadBytes  = 1 << 20   // of one frame from a gateway
	maxBodyBytes  = 16 << 20  // of one REST answer: 200 messages at their largest, with JSON escapes
	recentIDs     = 4096      // message ids remembered where messages have no seq
)

func (c *Config) validate() error {
	switch {
	case !strings.HasPrefix(c.EdgeURL, "http://") && !strings.HasPrefix(c.EdgeURL, "https://"):
		return fmt.Errorf("edge URL %q: want https://host or http://host:port", c.EdgeURL)
	case c.HTTP != nil && c.TLS != nil:
		return fmt.Errorf("TLS beside an HTTP client: give it to NewHTTP")
	case c.Token == nil:
		return fmt.Errorf("no token function")
	case c.UserID == chat.ID{}:
		return fmt.Errorf("no user id")
	case c.Device == "" || len(c.Device) > chat.MaxDeviceName:
		return fmt.Errorf("device name of %d bytes: want 1 to %d", len(c.Device), chat.MaxDeviceName)
	case c.Reconnect != "" && c.Reconnect != ReconnectJitter && c.Reconnect != ReconnectImmediate:
		return fmt.Errorf("reconnect %q is unknown: want %s or %s", c.Reconnect, ReconnectJitter, ReconnectImmediate)
	case c.Sync != "" && c.Sync != SyncNewest && c.Sync != SyncFull:
		return fmt.Errorf("sync %q is unknown: want %s or %s", c.Sync, SyncNewest, SyncFull)
	case c.HeartbeatBy != "" && c.HeartbeatBy != "gateway" && c.HeartbeatBy != "client":
		return fmt.Errorf("heartbeat_by %q is unknown: want gateway or client", c.HeartbeatBy)
	}
	return nil
}

func (c *Config) setDefaults() {
	c.EdgeURL = strings.TrimSuffix(c.EdgeURL, "/")
	if c.RetryRefusal == nil {
		c.RetryRefusal = Retryable
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Timeouts.setDefaults()
}

func (t *Timeouts) setDefaults() {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Request, resilience.DeviceRequest.Timeout()},
		{&t.Resume, resilience.DeviceResume.Timeout()},
		{&t.Ack, resilience.DeviceSend.Timeout()},
		{&t.Heartbeat, resilience.DeviceBeat.Timeout()},
		{&t.Settle, chat.SettleAfter},
		{&t.Pace, 20 * time.Millisecond},
		{&t.Goodbye, time.Second},
		{&t.Hole, 10 * time.Second},
		{&t.Start, 1500 * time.Millisecond},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
}

// Retryable says whether a send that was refused with this code may succeed later under the same client_msg_id.
func Retryable(code chat.Code) bool { return code.Retryable() }
