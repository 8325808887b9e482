package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/wire"
)

const patience = 20 * time.Second

// journal is a log that a test reads.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// signer is a key of user tokens or tickets, and the file of those that verify.
type signer struct {
	*token.Issuer
	jwks []byte
}

func newSigner(t *testing.T) signer {
	key, err := token.NewKey()
	require.NoError(t, err)
	return signer{token.NewIssuer(key, time.Now), key.JWKS()}
}

// rig is one role by itself: nobody answers where the others should be.
type rig struct {
	*testing.T
	*Node
	log             *journal
	users, tickets  signer
	userKeys, chain string // files
	key             string
}

func start(t *testing.T, role string, change func(r *rig, cfg *Config)) *rig {
	r := &rig{T: t, log: &journal{}, users: newSigner(t), tickets: newSigner(t)}
	sw, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	ticket, err := token.NewKey()
	require.NoError(t, err)
	nobody := "127.0.0.1:1"
	cfg := Config{
		Role: role, Name: role + "-1", Switches: sw, Messages: []string{nobody}, Presences: []string{nobody}, Drain: 100 * time.Millisecond,
		Gateways: map[string]string{"gateway-1": nobody}, GatewayPublic: map[string]string{"gateway-1": nobody},
		UserKeys: r.users.jwks, TicketKeys: r.tickets.jwks, TicketKey: ticket.Private(),
		Security: Security{InsecureRPC: true}, Logger: slog.New(slog.NewTextHandler(r.log, nil)),
	}
	if change != nil {
		change(r, &cfg)
	}
	r.Node, err = Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		r.Node.Close(ctx)
	})
	return r
}

// file writes a file into a new directory.
func (r *rig) file(name string, data []byte) string {
	at := filepath.Join(r.TempDir(), name)
	r.write(at, data)
	return at
}

// write replaces a file in one step, so that nobody sees half of it.
func (r *rig) write(file string, data []byte) {
	require.NoError(r, os.WriteFile(file+".new", data, 0o600))
	require.NoError(r, os.Rename(file+".new", file))
}

// metric is the value of a metric with these labels, "" when there is none.
func (r *rig) metric(name string) string {
	res, err := http.Get("http://" + r.Addresses().Admin + "/metrics")
	require.NoError(r, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(r, err)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			return value
		}
	}
	return ""
}

// reload asks for a look at the files and waits until that many were applied, or found broken.
func (r *rig) reload(what, outcome string, n int) {
	r.Helper()
	r.Reload()
	r.eventually(func() bool {
		return r.metric(fmt.Sprintf("chat_reloads_total{outcome=%q,what=%q}", outcome, what)) == fmt.Sprint(n)
	}, "%s %s %d", what, outcome, n)
}

func (r *rig) eventually(ok func() bool, what string, args ...any) {
	r.Helper()
	require.Eventually(r, ok, patience, 5*time.Millisecond, append([]any{what}, args...)...)
}

// socket is a device's open connection, whose pings are answered while it reads.
type socket struct {
	r  *rig
	ws *websocket.Conn
}

func (r *rig) open(user chat.ID, url string, c *http.Client) (*socket, error) {
	ticket, err := r.tickets.Ticket(token.Ticket{
		User: user, Device: "phone", Gateway: "gateway-1", Epoch: 1, Expires: time.Now().Add(time.Minute), UserExpires: time.Now().Add(time.Hour),
	})
	require.NoError(r, err)
	ws, _, err := websocket.Dial(r.Context(), url, &websocket.DialOptions{
		HTTPClient: c, HTTPHeader: http.Header{"Authorization": {"Bearer " + ticket}},
	})
	if err != nil {
		return nil, err
	}
	r.Cleanup(func() { _ = ws.CloseNow() })
	return &socket{r, ws}, nil
}

// ask sends a frame and returns the next that comes.
func (s *socket) ask(f wire.ClientFrame) (answer wire.ServerFrame) {
	ctx, cancel := context.WithTimeout(s.r.Context(), patience)
	defer cancel()
	require.NoError(s.r, s.ws.Write(ctx, websocket.MessageText, wire.Encode(f)))
	return s.hear()
}

func (s *socket) hear() (f wire.ServerFrame) {
	ctx, cancel := context.WithTimeout(s.r.Context(), patience)
	defer cancel()
	_, data, err := s.ws.Read(ctx)
	require.NoError(s.r, err)
	require.NoError(s.r, json.Unmarshal(data, &f))
	return f
}
