package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
)

// group makes a group of alice, bob and carol.
func (l *live) group() string {
	l.Helper()
	made := l.do(call{user: "alice", method: "POST", path: "/api/v1/conversations", status: 201,
		body: fmt.Sprintf(`{"type":"group","members":["%s","%s"]}`, l.users["bob"], l.users["carol"])})
	return field[string](l.T, made, "conversation_id")
}

// TestTheSystemIsAsDescribed drives every operation of the real system, and the document judges each request and answer.
func TestTheSystemIsAsDescribed(t *testing.T) {
	l := startLive(t)
	for _, path := range []string{"openapi", "asyncapi"} {
		l.do(call{method: "GET", path: "/api/v1/" + path + ".yaml", status: 200})
	}
	session := l.do(call{user: "alice", method: "POST", path: "/api/v1/sessions", body: `{"device":"phone"}`, status: 201})
	conversation := "/api/v1/conversations/" + l.group()
	for range 3 {
		l.do(call{user: "alice", method: "POST", path: conversation + "/messages", body: newMessage("hello"), status: 201})
	}
	var page []byte
	require.Eventually(t, func() bool {
		page = l.do(call{user: "bob", method: "GET", path: conversation + "/messages?after=0&limit=2", status: 200})
		return len(field[[]any](t, page, "messages")) == 2
	}, 10*time.Second, 20*time.Millisecond)
	stamp := field[[]map[string]any](t, page, "messages")[1]["timestamp"].(string)
	l.do(call{user: "bob", method: "GET", path: conversation + "/messages?before=" + stamp, status: 200})
	l.do(call{user: "bob", method: "GET", path: conversation + "/messages?after=" + stamp, status: 200})
	l.do(call{user: "bob", method: "POST", path: conversation + "/read", body: `{"seq":2}`, status: 204})
	l.do(call{user: "alice", method: "GET", path: conversation + "/receipts?seq=1", status: 200})
	l.do(call{user: "bob", method: "GET", path: "/api/v1/conversations?limit=5&skip=0", status: 200})
	inbox := l.do(call{user: "bob", method: "GET", path: "/api/v1/inbox?limit=5&messages=2", status: 200})
	glance := field[[]map[string]any](t, inbox, "conversations")[0]
	require.Len(t, glance["messages"], 2)
	require.EqualValues(t, 1, glance["unread"])
	l.do(call{user: "alice", method: "POST", path: conversation + "/members", body: `{"remove":["` + l.users["carol"].String() + `"]}`, status: 204})
	l.do(call{user: "alice", method: "PUT", path: "/api/v1/presence", status: 204, body: fmt.Sprintf(
		`{"device":"phone","gateway":%q,"epoch":%d}`, field[string](t, session, "gateway"), field[int64](t, session, "epoch"))})
	l.do(call{user: "alice", method: "GET", path: "/api/v1/presence?users=" + l.users["alice"].String() + "," + l.users["bob"].String(), status: 200})
	l.do(call{user: "alice", method: "PUT", path: "/api/v1/devices", body: `{"device":"phone","provider":"fcm","token":"t0ken"}`, status: 204})
	l.do(call{user: "alice", method: "DELETE", path: "/api/v1/devices/phone", status: 204})
	for path, item := range l.rest.Paths.Map() {
		for method, o := range item.Operations() {
			require.True(t, l.driven[o.OperationID], "%s %s was not driven", method, path)
		}
	}
}

// TestRefusalsAreAsDescribed provokes refusals by REST. What breaks the document's rules is refused, and by the code's
// own rules nothing else is but what depends on state.
func TestRefusalsAreAsDescribed(t *testing.T) {
	l := startLive(t)
	for path, item := range l.rest.Paths.Map() {
		for method, o := range item.Operations() {
			if o.Security == nil {
				path := strings.NewReplacer("{id}", chat.NewID().String(), "{device}", "phone").Replace(path)
				l.do(call{method: method, path: path, status: 401, code: chat.CodeTokenMissing})
			}
		}
	}
	conversation := "/api/v1/conversations/" + l.group()
	many := `"` + strings.Repeat(chat.NewID().String()+`","`, chat.MaxMembers) + chat.NewID().String() + `"`
	stale := fmt.Sprintf(`{"client_msg_id":%q,"content":"late"}`, chat.NewClientMsgID(time.Now().Add(-time.Hour)))
	forged := map[string]string{"Authorization": "Bearer " + l.tokens["alice"][:40]}
	for _, c := range []call{
		{user: "alice", method: "GET", path: "/api/v1/nothing", status: 404, code: chat.CodeNotFound},
		{user: "alice", method: "PATCH", path: "/api/v1/presence", status: 405, code: chat.CodeMethodNotAllow},
		{user: "alice", method: "GET", path: "/api/v1/conversations", header: forged, status: 401, code: chat.CodeTokenInvalid, allowed: true},
		{user: "alice", method: "GET", path: "/api/v1/conversations?limit=101", status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "GET", path: "/api/v1/conversations?limit=many", status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "GET", path: "/api/v1/inbox?limit=51", status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "GET", path: "/api/v1/inbox?messages=0", status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "GET", path: conversation + "/messages?limit=201", status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "GET", path: conversation + "/messages?after=yesterday", status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "GET", path: "/api/v1/conversations/x/messages", status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "GET", path: "/api/v1/presence", status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "POST", path: "/api/v1/sessions", body: `{}`, status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "POST", path: "/api/v1/sessions", body: `{"device":"phone","color":"red"}`, status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "POST", path: "/api/v1/sessions", body: `{"device":"` + strings.Repeat("x", chat.MaxDeviceName+1) + `"}`, status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "POST", path: "/api/v1/conversations", body: `{"type":"crowd","members":[]}`, status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "POST", path: "/api/v1/conversations", body: `{"type":"group","members":[` + many + `]}`, status: 422, code: chat.CodeTooManyMembers},
		{user: "alice", method: "POST", path: conversation + "/members", body: `{}`, status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "POST", path: conversation + "/messages", body: `{"client_msg_id":"` + chat.NewID().String() + `","content":"x"}`, status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "POST", path: conversation + "/messages", body: newMessage(""), status: 400, code: chat.CodeBadRequest},
		{user: "alice", method: "POST", path: conversation + "/messages", body: newMessage(strings.Repeat("x", chat.MaxContentBytes+1)), status: 413, code: chat.CodeTooLarge},
		{user: "alice", method: "POST", path: conversation + "/messages", body: stale, status: 410, code: chat.CodeStaleSend, allowed: true},
		{user: "alice", method: "PUT", path: "/api/v1/devices", body: `{"device":"phone","provider":"pigeon","token":"t"}`, status: 400, code: chat.CodeBadRequest},
		{user: "eve", method: "POST", path: conversation + "/messages", body: newMessage("let me in"), status: 403, code: chat.CodeNotMember, allowed: true},
		{user: "eve", method: "GET", path: conversation + "/messages", status: 403, code: chat.CodeNotMember, allowed: true},
		{user: "eve", method: "GET", path: "/api/v1/presence?users=" + l.users["alice"].String(), status: 403, code: chat.CodeNotContact, allowed: true},
	} {
		l.do(c)
	}
	l.do(call{user: "alice", method: "POST", path: "/api/v1/sessions", body: `{"device":"phone"}`, header: map[string]string{"Content-Type": "text/plain"},
		status: 415, code: chat.CodeUnsupportedType})
	l.flood(conversation)
}

// flood sends until the user's limit refuses.
func (l *live) flood(conversation string) {
	for range 200 {
		req := l.request(call{user: "bob", method: "POST", path: conversation + "/messages", body: `{}`})
		res, err := http.DefaultClient.Do(req)
		require.NoError(l, err)
		require.NoError(l, res.Body.Close())
		if res.StatusCode == http.StatusTooManyRequests {
			l.do(call{user: "bob", method: "POST", path: conversation + "/messages", body: newMessage("once more"), status: 429, code: chat.CodeUserLimit, allowed: true})
			return
		}
	}
	require.Fail(l, "no limit refuses 200 sends")
}
