package refusals_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/wire"
)

// patience is how long an answer may take on a machine that runs other tests.
const patience = 20 * time.Second

// rig is a running system as strangers meet it: by REST and by WebSocket.
type rig struct {
	*world.World
	t    *testing.T
	http *http.Client
}

func start(t *testing.T, change func(*world.Config)) *rig {
	switches, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	cfg := world.Config{Partitions: 3, Switches: switches, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))}
	if change != nil {
		change(&cfg)
	}
	w, err := world.Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(w.Close)
	r := &rig{World: w, t: t, http: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(r.http.CloseIdleConnections)
	return r
}

// gatewayCounts waits until this line stands among the gateway's metrics.
func (r *rig) gatewayCounts(line string) {
	i := slices.IndexFunc(r.Addresses(), func(a node.Addresses) bool { return a.Role == node.Gateway })
	admin := "http://" + r.Addresses()[i].Admin + "/metrics"
	require.Eventually(r.t, func() bool {
		res, err := r.http.Get(admin)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return err == nil && slices.Contains(strings.Split(string(text), "\n"), line)
	}, 2*patience, 20*time.Millisecond, line)
}

// user is somebody with a token.
type user struct {
	r     *rig
	id    chat.ID
	token string
}

func (r *rig) user() user { return r.userFor(time.Hour) }

func (r *rig) userFor(life time.Duration) user {
	id := chat.NewID()
	text, err := r.Token(id, life)
	require.NoError(r.t, err)
	return user{r, id, text}
}

// answer is what the edge, or a gateway before the upgrade, answered.
type answer struct {
	status     int
	code       chat.Code
	retryAfter time.Duration
	body       string
}

func (u user) call(method, path string, body any) answer {
	return u.r.call(method, path, u.token, body)
}

// call makes a request; a body that is text goes as it is.
func (r *rig) call(method, path, token string, body any) answer {
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		require.NoError(r.t, err)
		in = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, r.EdgeURL+path, in)
	require.NoError(r.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return r.do(req)
}

func (r *rig) do(req *http.Request) answer {
	res, err := r.http.Do(req)
	require.NoError(r.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	return answerOf(res.StatusCode, text)
}

func answerOf(status int, body []byte) answer {
	var problem struct {
		Code         chat.Code `json:"code"`
		RetryAfterMS int64     `json:"retry_after_ms"`
	}
	if status >= 300 {
		_ = json.Unmarshal(body, &problem)
	}
	return answer{status, problem.Code, time.Duration(problem.RetryAfterMS) * time.Millisecond, string(body)}
}

func (a answer) read(t *testing.T, into any) {
	require.Less(t, a.status, 300, a.body)
	require.NoError(t, json.Unmarshal([]byte(a.body), into))
}

// group makes a group of the user and others and waits until its members may talk.
func (u user) group(others ...user) string {
	ids := make([]chat.ID, len(others))
	for i, o := range others {
		ids[i] = o.id
	}
	var made struct {
		ID string `json:"conversation_id"`
	}
	u.call("POST", "/api/v1/conversations", map[string]any{"type": "group", "members": ids}).read(u.r.t, &made)
	return made.ID
}

func (u user) say(conv, text string) answer {
	return u.call("POST", "/api/v1/conversations/"+conv+"/messages", map[string]any{"client_msg_id": chat.NewClientMsgID(time.Now()), "content": text})
}

// history is the texts that the user reads.
func (u user) history(conv string) (texts []string) {
	var page struct {
		Messages []struct{ Content string }
	}
	u.call("GET", "/api/v1/conversations/"+conv+"/messages?after=0", nil).read(u.r.t, &page)
	for _, m := range page.Messages {
		texts = append(texts, m.Content)
	}
	return texts
}

// ticket is a session of one device.
type ticket struct {
	Gateway string `json:"gateway"`
	Ticket  string `json:"ticket"`
}

func (u user) session(device string) (t ticket) {
	u.call("POST", "/api/v1/sessions", map[string]string{"device": device}).read(u.r.t, &t)
	return t
}

// socket is one device's WebSocket. Its reader keeps every frame and the code with which the gateway closed.
type socket struct {
	t      *testing.T
	ws     *websocket.Conn
	frames chan wire.ServerFrame
	closed chan chat.CloseCode // closed without a code: the connection broke
	raw    []string
}

// connect opens a socket and resumes.
func (u user) connect(device string) *socket {
	s, refused := u.r.dial(u.session(device))
	require.Empty(u.r.t, refused.code, refused.body)
	s.send(wire.ClientFrame{Type: wire.TypeResume})
	s.await(wire.TypeResumed)
	return s
}

func (r *rig) dial(t ticket) (*socket, answer) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, res, err := websocket.Dial(ctx, "ws://"+t.Gateway+"/ws", &websocket.DialOptions{
		HTTPClient: r.http, HTTPHeader: http.Header{"Authorization": {"Bearer " + t.Ticket}},
	})
	if err != nil {
		require.NotNil(r.t, res, err)
		body, _ := io.ReadAll(res.Body)
		return nil, answerOf(res.StatusCode, body)
	}
	ws.SetReadLimit(1 << 20)
	s := &socket{t: r.t, ws: ws, frames: make(chan wire.ServerFrame, 10_000), closed: make(chan chat.CloseCode, 1)}
	r.t.Cleanup(func() { ws.CloseNow(); <-s.done() })
	go s.read()
	return s, answer{}
}

func (s *socket) read() {
	defer close(s.frames)
	for {
		_, data, err := s.ws.Read(context.Background())
		if err != nil {
			var ce websocket.CloseError
			if errors.As(err, &ce) {
				s.closed <- chat.CloseCode(ce.Code)
			}
			close(s.closed)
			return
		}
		var f wire.ServerFrame
		if json.Unmarshal(data, &f) == nil {
			s.frames <- f
		}
	}
}

// done is closed when the reader has ended.
func (s *socket) done() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		for range s.frames {
		}
		close(done)
	}()
	return done
}

func (s *socket) send(f wire.ClientFrame) { s.write(websocket.MessageText, wire.Encode(f)) }

func (s *socket) write(typ websocket.MessageType, data []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.ws.Write(ctx, typ, data); err != nil {
		s.t.Logf("write: %v", err) // the gateway may have closed: what it closed with is asked for elsewhere
	}
}

// until hands over frames until one is what was waited for, and fails when none comes.
func (s *socket) until(what string, is func(wire.ServerFrame) bool) wire.ServerFrame {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case f, ok := <-s.frames:
			if !ok {
				require.FailNow(s.t, "the socket ended", "before %s", what)
			}
			s.raw = append(s.raw, string(wire.Encode(f)))
			if is(f) {
				return f
			}
		case <-late.C:
			require.FailNow(s.t, "nothing came", "no %s within %s; before it: %s", what, patience, s.raw)
		}
	}
}

func (s *socket) await(typ string) wire.ServerFrame {
	return s.until(typ, func(f wire.ServerFrame) bool { return f.Type == typ })
}

// fence waits until the gateway has answered everything that was sent before, and until what workers had for this
// socket has come: a heartbeat's answer passes neither.
func (s *socket) fence() {
	s.send(wire.ClientFrame{Type: wire.TypeHeartbeat})
	s.await(wire.TypeHeartbeat)
}

// shows waits for a text of a conversation.
func (s *socket) shows(text string) wire.ServerFrame {
	return s.until("message "+text, func(f wire.ServerFrame) bool { return f.Type == wire.TypeMessage && f.Content == text })
}

// closes is the code with which the gateway ended the socket.
func (s *socket) closes() chat.CloseCode {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case _, ok := <-s.frames: // they must not hold up the reader
			if !ok {
				return <-s.closed
			}
		case <-late.C:
			require.FailNow(s.t, "the gateway did not close the socket")
		}
	}
}

// refusal is the code of the next error frame.
func (s *socket) refusal() wire.ServerFrame { return s.await(wire.TypeError) }
