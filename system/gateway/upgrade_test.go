package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/wire"
)

// ask sends one raw request and returns the answer's status, header and problem.
func (w *world) ask(method, target string, header ...string) (*http.Response, problemDocument) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := w.listener.dial(ctx)
	require.NoError(w.t, err)
	defer c.Close()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: gateway.example\r\n", method, target)
	for i := 0; i+1 < len(header); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", header[i], header[i+1])
	}
	_, err = c.Write([]byte(b.String() + "\r\n"))
	require.NoError(w.t, err)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(w.t, err)
	defer res.Body.Close()
	var p problemDocument
	if res.StatusCode != http.StatusSwitchingProtocols {
		require.Equal(w.t, "application/problem+json", res.Header.Get("Content-Type"))
		require.NoError(w.t, json.NewDecoder(res.Body).Decode(&p))
		require.Equal(w.t, res.StatusCode, p.Status)
	}
	return res, p
}

func webSocket(more ...string) []string {
	return append([]string{"Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Version", "13",
		"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, more...)
}

func TestUpgradeIsRefusedWithAProblem(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Origins = []string{"app.example"} })
	stranger := newWorld(t, nil)
	user := chat.NewID()
	good := w.ticket(user, "phone", 1)
	bearer := func(ticket string) []string { return webSocket("Authorization", "Bearer "+ticket) }
	ticket := func(change func(*token.Ticket)) string {
		k := token.Ticket{User: user, Device: "phone", Gateway: "gateway-1", Epoch: 1, Expires: time.Now().Add(time.Minute), UserExpires: time.Now().Add(time.Hour)}
		change(&k)
		return w.sign(k)
	}
	for _, c := range []struct {
		name, method, target string
		header               []string
		status               int
		code                 chat.Code
	}{
		{"no ticket", "GET", "/ws", webSocket(), 401, chat.CodeTokenMissing},
		{"other scheme", "GET", "/ws", webSocket("Authorization", "Basic x"), 401, chat.CodeTokenInvalid},
		{"not a token", "GET", "/ws", bearer("x"), 401, chat.CodeTokenInvalid},
		{"forged ticket", "GET", "/ws", bearer(stranger.ticket(user, "phone", 1)), 401, chat.CodeTokenInvalid},
		{"altered ticket", "GET", "/ws", bearer(good[:len(good)-2]), 401, chat.CodeTokenInvalid},
		{"user token as ticket", "GET", "/ws", bearer(w.userToken(user, time.Hour)), 401, chat.CodeTokenInvalid},
		{"expired ticket", "GET", "/ws", bearer(ticket(func(k *token.Ticket) { k.Expires = time.Now().Add(-time.Minute) })), 401, chat.CodeTokenExpired},
		{"expired user token", "GET", "/ws", bearer(ticket(func(k *token.Ticket) { k.UserExpires = time.Now().Add(-time.Second) })), 401, chat.CodeTokenExpired},
		{"another gateway's ticket", "GET", "/ws", bearer(ticket(func(k *token.Ticket) { k.Gateway = "gateway-2" })), 401, chat.CodeTokenInvalid},
		{"forged ticket in the query", "GET", "/ws?ticket=x", webSocket(), 401, chat.CodeTokenInvalid},
		{"other path", "GET", "/", bearer(good), 404, chat.CodeNotFound},
		{"other method", "POST", "/ws", bearer(good), 405, chat.CodeMethodNotAllow},
		{"no upgrade", "GET", "/ws", []string{"Authorization", "Bearer " + good}, 426, chat.CodeBadRequest},
		{"no key", "GET", "/ws", bearer(good)[6:], 426, chat.CodeBadRequest},
		{"foreign origin", "GET", "/ws", append(bearer(good), "Origin", "https://evil.example"), 403, chat.CodeBadRequest},
		{"own origin", "GET", "/ws", append(bearer(good), "Origin", "https://gateway.example"), 101, ""},
		{"configured origin", "GET", "/ws", append(bearer(good), "Origin", "https://app.example"), 101, ""},
		{"good", "GET", "/ws", bearer(good), 101, ""},
		{"good in the query", "GET", "/ws?ticket=" + good, webSocket(), 101, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, p := w.ask(c.method, c.target, c.header...)
			require.Equal(t, c.status, res.StatusCode, "%+v", p)
			require.Equal(t, c.code, p.Code)
			require.Equal(t, c.status == 401, res.Header.Get("WWW-Authenticate") != "")
			require.Equal(t, c.status == 405, res.Header.Get("Allow") != "")
		})
	}
}

func TestFullGatewaySaysWhenToRetry(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.Connections = 1 })
	d := w.resume(chat.NewID(), "phone", 1)
	res, p := w.ask("GET", "/ws", webSocket("Authorization", "Bearer "+w.ticket(chat.NewID(), "phone", 1))...)
	require.Equal(t, 503, res.StatusCode)
	require.Equal(t, chat.CodeUnavailable, p.Code)
	require.Equal(t, "1", res.Header.Get("Retry-After"))
	require.EqualValues(t, 1000, p.RetryAfterMS)
	d.ws.CloseNow()
	require.Eventually(t, func() bool { return w.g.connections.Load() == 0 }, 10*time.Second, time.Millisecond)
	w.resume(chat.NewID(), "phone", 1)
}

// A refused upgrade gives its place back.
func TestRefusedUpgradeIsNotCounted(t *testing.T) {
	w := newWorld(t, nil)
	w.ask("GET", "/ws", "Authorization", "Bearer "+w.ticket(chat.NewID(), "phone", 1))
	require.Eventually(t, func() bool { return w.g.connections.Load() == 0 }, 10*time.Second, time.Millisecond)
}

// A device may speak before it has read the answer to the upgrade.
func TestFramesRightBehindTheUpgradeAreRead(t *testing.T) {
	w := newWorld(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := w.listener.dial(ctx)
	require.NoError(t, err)
	defer c.Close()
	_, err = fmt.Fprintf(c, "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer %s\r\n\r\n%s",
		w.ticket(chat.NewID(), "phone", 1), masked(0x81, []byte(`{"type":"resume"}`)))
	require.NoError(t, err)
	r := bufio.NewReader(c)
	_, err = http.ReadResponse(r, nil)
	require.NoError(t, err)
	frame, err := readRaw(r)
	require.NoError(t, err)
	var f wire.ServerFrame
	require.NoError(t, json.Unmarshal(frame, &f))
	require.Equal(t, wire.TypeResumed, f.Type)
}

func TestConfigIsValidated(t *testing.T) {
	_, err := New(Config{})
	require.ErrorContains(t, err, "make gateway")
	w := newWorld(t, nil)
	cfg := w.g.cfg
	cfg.Metrics, cfg.Origins = nil, []string{"["}
	_, err = New(cfg)
	require.ErrorContains(t, err, "read origin")
}
