package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
)

// TestREST shows each call as the edge sees it, and what the device makes of the answer.
func TestREST(t *testing.T) {
	var asked, body string
	status, reply := 200, any(nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.RequestURI()
		var in json.RawMessage
		body = ""
		if json.NewDecoder(r.Body).Decode(&in) == nil {
			body = string(in)
		}
		require.Equal(t, "Bearer user-token", r.Header.Get("Authorization"))
		answer(w, status, reply)
	}))
	defer server.Close()
	c, err := New(Config{EdgeURL: server.URL + "/", Token: func(context.Context) (string, error) { return "user-token", nil }, UserID: self, Device: "d"})
	require.NoError(t, err)
	ctx, id := t.Context(), conv.String()

	status, reply = 201, map[string]any{"conversation_id": conv, "type": "group", "members": []chat.ID{self}, "created_at": time.Unix(9, 0).UTC()}
	made, err := c.CreateConversation(ctx, chat.Group, []chat.ID{self})
	require.NoError(t, err)
	require.Equal(t, Conversation{ID: conv, Type: "group", Members: []chat.ID{self}, CreatedAt: time.Unix(9, 0).UTC()}, made)
	require.Equal(t, "POST /api/v1/conversations", asked)
	require.JSONEq(t, `{"type":"group","members":["`+self.String()+`"]}`, body)

	status, reply = 200, map[string]any{"conversations": []any{map[string]any{"conversation_id": conv, "last_seq": 7}}, "more": true}
	list, more, err := c.Conversations(ctx, 20, 40)
	require.NoError(t, err)
	require.Equal(t, []Conversation{{ID: conv, LastSeq: 7}}, list)
	require.True(t, more)
	require.Equal(t, "GET /api/v1/conversations?limit=20&skip=40", asked)

	status, reply = 204, nil
	require.NoError(t, c.Members(ctx, conv, []chat.ID{other}, nil))
	require.Equal(t, "POST /api/v1/conversations/"+id+"/members", asked)
	require.JSONEq(t, `{"add":["`+other.String()+`"]}`, body)

	status, reply = 200, map[string]any{"presence": []any{map[string]any{"user_id": other, "online": true}}}
	who, err := c.Presence(ctx, other, self)
	require.NoError(t, err)
	require.Equal(t, []Presence{{UserID: other, Online: true}}, who)
	require.Equal(t, "GET /api/v1/presence?users="+other.String()+","+self.String(), asked)

	reply = pageAfter(msgs(1, 3), "0", 2)
	page, more, err := c.History(ctx, conv, Range{FromStart: true, Limit: 2})
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, msgs(1, 2), page)
	require.Equal(t, "GET /api/v1/conversations/"+id+"/messages?after=0&limit=2", asked)
	_, _, err = c.History(ctx, conv, Range{Before: stamp(2), After: stamp(1)})
	require.NoError(t, err)
	require.Equal(t, "GET /api/v1/conversations/"+id+"/messages?after="+stamp(1).String()+"&before="+stamp(2).String(), asked)

	status, reply = problem(chat.CodeUserLimit, 1500*time.Millisecond)
	_, _, err = c.History(ctx, conv, Range{})
	var r *chat.Error
	require.ErrorAs(t, err, &r)
	require.Equal(t, chat.Error{Code: chat.CodeUserLimit, Message: "because", RetryAfter: 1500 * time.Millisecond}, *r)
}

// TestStatusWithoutAProblemDocument covers what stands between a device and the edge.
func TestStatusWithoutAProblemDocument(t *testing.T) {
	for status, code := range map[int]chat.Code{
		401: chat.CodeTokenInvalid, 404: chat.CodeNotFound, 429: chat.CodeServerLimit, 500: chat.CodeInternal, 502: chat.CodeUnavailable, 503: chat.CodeUnavailable,
	} {
		require.Equal(t, code, refusal(status, []byte("<html>")).Code)
	}
}
