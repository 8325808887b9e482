package gateway

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire"
)

// lasting is a device of the system's own client with tokens that end soon, and the edge that sells it tickets.
type lasting struct {
	*world
	user  chat.ID
	life  time.Duration
	edge  *pipeListener
	keys  func() *token.Issuer // who signs now
	epoch int64

	mu     sync.Mutex
	events map[client.Kind][]client.Event
}

func newLasting(w *world, life time.Duration) *lasting {
	return &lasting{
		world: w, user: chat.ID{1}, life: life, edge: newPipeListener(), events: map[client.Kind][]client.Event{},
		keys: func() *token.Issuer { return w.issuer },
	}
}

func (d *lasting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := token.Bearer(r.Header.Get("Authorization"))
	u, err := d.g.cfg.VerifyUser(text)
	if err != nil {
		problem(w, chat.AsError(err))
		return
	}
	d.epoch++
	ticket := d.sign(token.Ticket{User: u.ID, Device: "phone", Gateway: "gateway-1", Epoch: d.epoch, Expires: time.Now().Add(time.Minute), UserExpires: u.Expires})
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"gateway": "gateway-1:80", "ticket": ticket, "server_time": time.Now(), "token_expires_at": u.Expires, "heartbeat_interval_ms": 30_000, "epoch": d.epoch,
	})
}

func (d *lasting) dial(ctx context.Context, _, address string) (net.Conn, error) {
	if address == "gateway-1:80" {
		return d.listener.dial(ctx)
	}
	return d.edge.dial(ctx)
}

// run keeps the device connected while the test does something, and returns what Run returned.
func (d *lasting) run(do func()) error {
	server := &http.Server{Handler: d, ReadHeaderTimeout: time.Second}
	go server.Serve(d.edge)
	defer server.Close()
	c, err := client.New(client.Config{
		EdgeURL: "http://edge:80", UserID: d.user, Device: "phone", Network: transport.Network{DialFunc: d.dial},
		Token: func(context.Context) (string, error) {
			return d.keys().User(token.User{ID: d.user, Expires: time.Now().Add(d.life)})
		},
		Observe: func(e client.Event) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.events[e.Kind] = append(d.events[e.Kind], e)
		},
	})
	require.NoError(d.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- c.Run(ctx) }()
	do()
	cancel()
	return <-end
}

func (d *lasting) told(k client.Kind) []client.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.events[k]
}

// A socket lives on over many tokens, and what is pushed all the while arrives on it.
func TestASocketOutlivesItsTokens(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		const life, whole = 10 * time.Minute, 12 * time.Hour
		d := newLasting(w, life)
		pushed := 0
		require.ErrorIs(t, d.run(func() {
			for start := time.Now(); time.Since(start) < whole; pushed++ {
				<-time.After(13 * time.Minute)
				require.Empty(t, w.g.push(d.user[:], wire.Encode(wire.MessageFrame(chat.Message{
					ConversationID: chat.ID{9}, Place: chat.Place{Seq: int64(pushed + 1)}, Content: "hello",
				}))))
			}
			<-time.After(time.Second) // a frame lingers where one went just before it, as the answer to a heartbeat may have
		}), context.Canceled)
		require.Len(t, d.told(client.Connected), 1)
		require.EqualValues(t, 1, d.epoch, "one session for all of it")
		require.Len(t, d.told(client.Disconnected), 1, "the goodbye")
		require.Empty(t, d.told(client.RenewalFailed))
		require.Len(t, d.told(client.Raw), pushed)
		lives := float64(whole) / float64(life)
		require.InDelta(t, lives/0.7, len(d.told(client.Renewed)), lives/10)
	})
}

// Tokens of a key that the gateway does not know yet are refused until it does, and the socket stays.
func TestATokenOfAKeyThatComesLater(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		stranger, err := token.NewKey()
		require.NoError(t, err)
		d := newLasting(w, 10*time.Minute)
		start, known := time.Now(), 9*time.Minute
		d.keys = func() *token.Issuer {
			if since := time.Since(start); since > 0 && since < known {
				return token.NewIssuer(stranger, time.Now)
			}
			return w.issuer
		}
		require.ErrorIs(t, d.run(func() { <-time.After(15 * time.Minute) }), context.Canceled)
		require.Len(t, d.told(client.Connected), 1)
		require.Len(t, d.told(client.Renewed), 1)
		require.Greater(t, len(d.told(client.RenewalFailed)), 3)
		for _, e := range d.told(client.RenewalFailed) {
			require.Equal(t, chat.CodeTokenInvalid, e.Code)
			require.Positive(t, e.RetryAfter)
		}
	})
}

// Who gets no new token in time is closed when the old one ends, not before, and stays away only if no token helps.
func TestATokenThatIsNeverRenewed(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		stranger, err := token.NewKey()
		require.NoError(t, err)
		d := newLasting(w, 10*time.Minute)
		start := time.Now()
		d.keys = func() *token.Issuer {
			if time.Since(start) > 0 {
				return token.NewIssuer(stranger, time.Now)
			}
			return w.issuer
		}
		err = d.run(func() { <-time.After(time.Hour) })
		require.Equal(t, chat.CodeTokenInvalid, chat.AsError(err).Code, "the edge refuses it too, and says so: %v", err)
		lost := d.told(client.Disconnected)
		require.Equal(t, chat.CloseTokenExpired, lost[0].Close)
		require.WithinDuration(t, start.Add(10*time.Minute), lost[0].At, 2*time.Second)
	})
}

// Only another user's token ends a socket. What cannot be taken for any other reason leaves it as good as it was.
func TestTokensThatAreNotTaken(t *testing.T) {
	user := chat.ID{1}
	stranger, err := token.NewKey()
	require.NoError(t, err)
	for name, c := range map[string]struct {
		token func(w *world) string
		code  chat.Code
		close chat.CloseCode
	}{
		"another user's":         {func(w *world) string { return w.userToken(chat.ID{2}, time.Hour) }, chat.CodeTokenInvalid, chat.CloseTokenInvalid},
		"of a key not known":     {func(*world) string { return signedBy(t, stranger, user) }, chat.CodeTokenInvalid, chat.CloseTokenExpired},
		"nonsense":               {func(*world) string { return "x.y.z" }, chat.CodeTokenInvalid, chat.CloseTokenExpired},
		"a ticket":               {func(w *world) string { return w.ticket(user, "phone", 9) }, chat.CodeTokenInvalid, chat.CloseTokenExpired},
		"expired":                {func(w *world) string { return w.userToken(user, -time.Minute) }, chat.CodeTokenExpired, chat.CloseTokenExpired},
		"expired within leeway":  {func(w *world) string { return w.userToken(user, -time.Second) }, chat.CodeTokenExpired, chat.CloseTokenExpired},
		"another user's expired": {func(w *world) string { return w.userToken(chat.ID{2}, -time.Hour) }, chat.CodeTokenExpired, chat.CloseTokenExpired},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world) {
				start := time.Now()
				d := w.resume(user, "phone", 1)
				d.say(wire.ClientFrame{Type: wire.TypeAuth, Token: c.token(w)})
				require.Equal(t, c.code, d.hear().Code)
				require.Equal(t, c.close, <-d.heartbeats(time.Minute))
				if c.close == chat.CloseTokenExpired {
					require.WithinDuration(t, start.Add(time.Hour), time.Now(), 2*time.Second)
				} else {
					require.Equal(t, start, time.Now(), "at once")
				}
			})
		})
	}
}

func signedBy(t *testing.T, k token.Key, user chat.ID) string {
	text, err := token.NewIssuer(k, time.Now).User(token.User{ID: user, Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	return text
}
