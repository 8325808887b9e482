package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
)

// live is the real system, and the documents that judge what goes in and comes out.
type live struct {
	*testing.T
	ctx    context.Context
	world  *world.World
	users  map[string]chat.ID
	tokens map[string]string
	async  asyncDocument
	rest   *openapi3.T
	router routers.Router
	driven map[string]bool // operations that answered what was asked
	codes  map[chat.Code]bool
}

func startLive(t *testing.T, change ...func(*world.Config)) *live {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	switches, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	cfg := world.Config{
		Switches: switches, Partitions: 4, KafkaListen: "127.0.0.1:0",
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	}
	for _, c := range change {
		c(&cfg)
	}
	w, err := world.Start(ctx, cfg)
	require.NoError(t, err)
	t.Cleanup(w.Close)
	l := &live{
		T: t, ctx: ctx, world: w, users: map[string]chat.ID{}, tokens: map[string]string{}, async: asyncAPI(t),
		rest: openAPI(t), driven: map[string]bool{}, codes: map[chat.Code]bool{},
	}
	for _, name := range []string{"alice", "bob", "carol", "eve"} {
		l.users[name] = chat.NewID()
		l.tokens[name], err = w.Token(l.users[name], time.Hour)
		require.NoError(t, err)
	}
	for _, s := range l.rest.Components.Schemas { // what a document does not name may not come
		if s.Value.Type.Is("object") && s.Value.AdditionalProperties.Has == nil {
			no := false
			s.Value.AdditionalProperties.Has = &no
		}
	}
	l.rest.Servers = nil // the router wants whole URLs, or none
	l.router, err = legacy.NewRouter(l.rest)
	require.NoError(t, err)
	return l
}

// call is one request.
type call struct {
	user, method, path, body string
	header                   map[string]string
	status                   int
	code                     chat.Code // of a refusal
	allowed                  bool      // the document allows the request although it is refused
}

func (l *live) do(c call) []byte {
	l.Helper()
	req := l.request(c)
	route, params, unknown := l.router.FindRoute(req)
	input := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: bearer, MultiError: true},
	}
	if c.code == "" {
		require.NoError(l, unknown, "%s %s", c.method, c.path)
	}
	if unknown == nil {
		err := openapi3filter.ValidateRequest(l.ctx, input)
		if c.code == "" || c.allowed {
			require.NoError(l, err, "%s %s is not what the document describes", c.method, c.path)
		} else {
			require.Error(l, err, "%s %s is refused with %s, and the document allows it", c.method, c.path, c.code)
		}
	}
	res, err := http.DefaultClient.Do(l.request(c))
	require.NoError(l, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(l, err)
	require.Equal(l, c.status, res.StatusCode, "%s %s: %s", c.method, c.path, body)
	if unknown == nil {
		out := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: res.StatusCode, Header: res.Header}
		require.NoError(l, openapi3filter.ValidateResponse(l.ctx, out.SetBodyBytes(body)), "%s %s: %s", c.method, c.path, body)
	}
	if c.code != "" {
		require.Equal(l, "application/problem+json", res.Header.Get("Content-Type"))
		require.Equal(l, c.code, requireRefusal(l.T, res.StatusCode, body), "%s", body)
		l.codes[c.code] = true
		return body
	}
	l.driven[route.Operation.OperationID] = true
	return body
}

func (l *live) request(c call) *http.Request {
	l.Helper()
	req, err := http.NewRequestWithContext(l.ctx, c.method, l.world.EdgeURL+c.path, strings.NewReader(c.body))
	require.NoError(l, err)
	if c.user != "" {
		req.Header.Set("Authorization", "Bearer "+l.tokens[c.user])
	}
	if c.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	return req
}

func bearer(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	if in.RequestValidationInput.Request.Header.Get("Authorization") == "" {
		return in.NewError(nil)
	}
	return nil
}

// get asks and decodes one field.
func field[T any](t *testing.T, body []byte, name string) (v T) {
	t.Helper()
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(body, &all))
	require.NoError(t, json.NewDecoder(bytes.NewReader(all[name])).Decode(&v), "%s", body)
	return v
}

func newMessage(content string) string {
	text, _ := json.Marshal(map[string]string{"client_msg_id": chat.NewClientMsgID(time.Now()).String(), "content": content})
	return string(text)
}
