package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/token"
	"github.com/chatlab/chatlab/system/transport"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const (
	conv     = "/api/v1/conversations/0198a000-0000-7000-8000-000000000001"
	goodBody = `{"client_msg_id":"0198a000-0000-7000-8000-000000000002","content":"hi"}`
)

// everyRoute is a good request for each route.
func everyRoute() [][3]string {
	user := chat.NewID().String()
	return [][3]string{
		{"POST", "/api/v1/sessions", `{"device":"phone"}`},
		{"POST", "/api/v1/conversations", `{"type":"group","members":["` + user + `"]}`},
		{"GET", "/api/v1/conversations", ""},
		{"POST", conv + "/members", `{"add":["` + user + `"]}`},
		{"POST", conv + "/messages", goodBody},
		{"GET", conv + "/messages", ""},
		{"POST", conv + "/read", `{"seq":4}`},
		{"GET", conv + "/receipts?seq=4,5", ""},
		{"PUT", "/api/v1/presence", `{"device":"phone","gateway":"gateway-1","epoch":1}`},
		{"GET", "/api/v1/presence?users=" + user, ""},
		{"PUT", "/api/v1/devices", `{"device":"phone","provider":"fcm","token":"abc:def"}`},
		{"DELETE", "/api/v1/devices/phone", ""},
	}
}

func TestEveryRouteTakesAGoodRequest(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, nil).ready(t)
	for _, r := range everyRoute() {
		a := w.ask(t, r[0], r[1], r[2])
		assert.Less(t, a.status, 300, "%v: %s", r, a.body)
	}
}

func TestOutsidersAreRefusedOnEveryPath(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, nil).ready(t)
	stranger, err := token.NewKey()
	require.NoError(t, err)
	sign := func(i *token.Issuer, expires time.Time) string {
		s, err := i.User(token.User{ID: chat.NewID(), Expires: expires})
		require.NoError(t, err)
		return "Bearer " + s
	}
	ticket, err := w.edge.cfg.Tickets.Ticket(token.Ticket{
		User: w.alice.ID, Device: "phone", Gateway: "gateway-1", Epoch: 1, Expires: time.Now().Add(time.Hour), UserExpires: time.Now().Add(time.Hour),
	})
	require.NoError(t, err)
	forged := sign(token.NewIssuer(stranger, time.Now), time.Now().Add(time.Hour))
	paths := append(everyRoute(), [3]string{"GET", "/nowhere", ""}, [3]string{"DELETE", "/api/v1/sessions", ""}, [3]string{"GET", "/", ""},
		[3]string{"POST", "/api/v1/sessions", "broken"}, [3]string{"GET", "//healthz", ""}, [3]string{"GET", "/healthz/", ""})
	for name, test := range map[string]struct {
		authorization string
		want          chat.Code
	}{
		"no token":       {"", chat.CodeTokenMissing},
		"empty token":    {"Bearer ", chat.CodeTokenMissing},
		"other scheme":   {"Basic YWxpY2U6", chat.CodeTokenInvalid},
		"nonsense":       {"Bearer x.y.z", chat.CodeTokenInvalid},
		"stranger's key": {forged, chat.CodeTokenInvalid},
		"expired":        {sign(w.users, time.Now().Add(-time.Minute)), chat.CodeTokenExpired},
		"ticket":         {"Bearer " + ticket, chat.CodeTokenInvalid},
		"alg none":       {"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIwIn0.", chat.CodeTokenInvalid},
	} {
		for _, p := range paths {
			a := w.ask(t, p[0], p[1], p[2], "Authorization", test.authorization)
			assert.Equal(t, test.want, a.code(t), "%s: %v", name, p)
		}
	}
	for _, p := range append(w.messages, w.presence...) {
		assert.Empty(t, p.took(), "no role heard of it")
	}
	a := w.ask(t, "GET", "/healthz", "", "Authorization", "")
	assert.Equal(t, http.StatusOK, a.status)
}

func TestBadInput(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, func(c *Config) { c.Sends = unlimited() }).ready(t)
	user := `"` + chat.NewID().String() + `"`
	long := strings.Repeat("x", maxBody)
	v1, v4 := "0f0e9000-c92e-11f0-8003-000000000005", chat.NewID().String()
	send, members, create, put := conv+"/messages", conv+"/members", "/api/v1/conversations", "/api/v1/presence"
	devices := "/api/v1/devices"
	for _, test := range []struct {
		method, path, body string
		want               chat.Code
		header             []string
	}{
		// paths and methods
		{"GET", "/", "", chat.CodeNotFound, nil},
		{"GET", "/api/v1/nowhere", "", chat.CodeNotFound, nil},
		{"GET", "/api/v2/conversations", "", chat.CodeNotFound, nil},
		{"GET", "/api/v1/conversations/", "", chat.CodeNotFound, nil},
		{"GET", "//api/v1/conversations", "", chat.CodeNotFound, nil},
		{"GET", "/api/v1/./conversations", "", chat.CodeNotFound, nil},
		{"GET", "/api/v1/x/../conversations", "", chat.CodeNotFound, nil},
		{"GET", conv, "", chat.CodeNotFound, nil},
		{"DELETE", "/api/v1/conversations", "", chat.CodeMethodNotAllow, nil},
		{"PUT", send, goodBody, chat.CodeMethodNotAllow, nil},
		{"GET", "/api/v1/sessions", "", chat.CodeMethodNotAllow, nil},
		{"POST", put, "{}", chat.CodeMethodNotAllow, nil},
		{"OPTIONS", put, "", chat.CodeMethodNotAllow, nil},
		// cursors
		{"POST", conv + "/read", `{}`, chat.CodeBadRequest, nil},
		{"POST", conv + "/read", `{"seq":-1}`, chat.CodeBadRequest, nil},
		{"POST", conv + "/read", `{"seq":"4"}`, chat.CodeBadRequest, nil},
		{"POST", conv + "/read", `{"timestamp":"` + v4 + `"}`, chat.CodeBadRequest, nil},
		{"POST", conv + "/read", `{"seq":4,"timestamp":"` + v4 + `"}`, chat.CodeBadRequest, nil},
		{"POST", conv + "/read", `{"timestamp":"` + v1 + `"}`, "", nil},
		{"POST", conv + "/read", `{"seq":4,"timestamp":"` + v1 + `"}`, "", nil},
		{"POST", "/api/v1/conversations/x/read", `{"seq":4}`, chat.CodeBadRequest, nil},
		{"GET", conv + "/receipts", "", chat.CodeBadRequest, nil},
		{"GET", conv + "/receipts?seq=", "", chat.CodeBadRequest, nil},
		{"GET", conv + "/receipts?seq=0", "", chat.CodeBadRequest, nil},
		{"GET", conv + "/receipts?seq=1,x", "", chat.CodeBadRequest, nil},
		{"GET", conv + "/receipts?seq=1" + strings.Repeat(",1", maxReceiptPlaces), "", chat.CodeBadRequest, nil},
		{"GET", conv + "/receipts?seq=1&seq=2", "", chat.CodeBadRequest, nil},
		{"GET", conv + "/read", "", chat.CodeMethodNotAllow, nil},
		// content types
		{"POST", send, goodBody, chat.CodeUnsupportedType, []string{"Content-Type", ""}},
		{"POST", send, goodBody, chat.CodeUnsupportedType, []string{"Content-Type", "text/plain"}},
		{"POST", send, goodBody, chat.CodeUnsupportedType, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"POST", send, goodBody, chat.CodeUnsupportedType, []string{"Content-Type", "application/json; charset"}},
		{"POST", send, goodBody, chat.CodeUnsupportedType, []string{"Content-Encoding", "gzip"}},
		{"POST", send, goodBody, "", []string{"Content-Type", "Application/JSON; charset=utf-8"}},
		// sizes
		{"POST", send, `{"content":"` + long + `"}`, chat.CodeTooLarge, nil},
		{"POST", send, `{"client_msg_id":"0198a000-0000-7000-8000-000000000002","content":"` + long[:chat.MaxContentBytes+1] + `"}`, chat.CodeTooLarge, nil},
		{"POST", "/api/v1/sessions", strings.Repeat(" ", maxBody) + `{"device":"a"}`, chat.CodeTooLarge, nil},
		// JSON
		{"POST", send, "", chat.CodeBadRequest, []string{"Content-Type", "application/json"}},
		{"POST", send, " \n", chat.CodeBadRequest, nil},
		{"POST", send, "{", chat.CodeBadRequest, nil},
		{"POST", send, "null", chat.CodeBadRequest, nil},
		{"POST", send, "[" + goodBody + "]", chat.CodeBadRequest, nil},
		{"POST", send, `"text"`, chat.CodeBadRequest, nil},
		{"POST", send, goodBody + "{}", chat.CodeBadRequest, nil},
		{"POST", send, goodBody + ",", chat.CodeBadRequest, nil},
		{"POST", send, goodBody + "\n", "", nil},
		{"POST", send, strings.Replace(goodBody, "{", `{"extra":1,`, 1), chat.CodeBadRequest, nil},
		{"POST", send, "{\"client_msg_id\":\"0198a000-0000-7000-8000-000000000002\",\"content\":\"\xff\"}", chat.CodeBadRequest, nil},
		{"POST", send, strings.Repeat(`{"a":`, 1000), chat.CodeBadRequest, nil},
		// fields of a send
		{"POST", send, `{"content":"hi"}`, chat.CodeBadRequest, nil},
		{"POST", send, `{"client_msg_id":"0198a000-0000-7000-8000-000000000002"}`, chat.CodeBadRequest, nil},
		{"POST", send, `{"client_msg_id":"0198a000-0000-7000-8000-000000000002","content":""}`, chat.CodeBadRequest, nil},
		{"POST", send, `{"client_msg_id":"0198a000-0000-7000-8000-000000000002","content":7}`, chat.CodeBadRequest, nil},
		{"POST", send, `{"client_msg_id":7,"content":"hi"}`, chat.CodeBadRequest, nil},
		{"POST", send, `{"client_msg_id":"x","content":"hi"}`, chat.CodeBadRequest, nil},
		{"POST", send, `{"client_msg_id":"` + v4 + `","content":"hi"}`, chat.CodeBadRequest, nil},
		{"POST", send, `{"client_msg_id":"{0198a000-0000-7000-8000-000000000002}","content":"hi"}`, chat.CodeBadRequest, nil},
		{"POST", send, `{"client_msg_id":"00000000-0000-0000-0000-000000000000","content":"hi"}`, chat.CodeBadRequest, nil},
		{"POST", "/api/v1/conversations/x/messages", goodBody, chat.CodeBadRequest, nil},
		{"POST", "/api/v1/conversations/%2e%2e/messages", goodBody, chat.CodeNotFound, nil},
		// sessions
		{"POST", "/api/v1/sessions", `{}`, chat.CodeBadRequest, nil},
		{"POST", "/api/v1/sessions", `{"device":""}`, chat.CodeBadRequest, nil},
		{"POST", "/api/v1/sessions", `{"device":null}`, chat.CodeBadRequest, nil},
		{"POST", "/api/v1/sessions", `{"device":["phone"]}`, chat.CodeBadRequest, nil},
		{"POST", "/api/v1/sessions", `{"device":"a\u0000b"}`, chat.CodeBadRequest, nil},
		{"POST", "/api/v1/sessions", `{"device":"` + long[:chat.MaxDeviceName+1] + `"}`, chat.CodeBadRequest, nil},
		{"POST", "/api/v1/sessions", `{"device":"` + long[:chat.MaxDeviceName] + `"}`, "", nil},
		// conversations
		{"POST", create, `{"type":"group","members":["x"]}`, chat.CodeBadRequest, nil},
		{"POST", create, `{"type":"group","members":"x"}`, chat.CodeBadRequest, nil},
		{"POST", create, `{"type":"group","members":[null]}`, chat.CodeBadRequest, nil},
		{"POST", create, `{"type":"group","members":[` + strings.Repeat(user+",", chat.MaxMembers) + user + `]}`, chat.CodeTooManyMembers, nil},
		{"GET", create + "?limit=0", "", chat.CodeBadRequest, nil},
		{"GET", create + "?limit=101", "", chat.CodeBadRequest, nil},
		{"GET", create + "?limit=ten", "", chat.CodeBadRequest, nil},
		{"GET", create + "?limit=", "", chat.CodeBadRequest, nil},
		{"GET", create + "?skip=-1", "", chat.CodeBadRequest, nil},
		{"GET", create + "?skip=99999999999999999999", "", chat.CodeBadRequest, nil},
		{"GET", create + "?limt=5", "", chat.CodeBadRequest, nil},
		{"GET", create + "?limit=5&limit=6", "", chat.CodeBadRequest, nil},
		{"GET", create + "?a;b", "", chat.CodeBadRequest, nil},
		// members
		{"POST", members, `{}`, chat.CodeBadRequest, nil},
		{"POST", members, `{"add":[]}`, chat.CodeBadRequest, nil},
		{"POST", members, `{"remove":[null]}`, chat.CodeBadRequest, nil},
		{"POST", members, `{"add":["00000000-0000-0000-0000-000000000000"]}`, chat.CodeBadRequest, nil},
		{"POST", members, `{"add":["x"]}`, chat.CodeBadRequest, nil},
		{"POST", members, `{"remove":[` + strings.Repeat(user+",", chat.MaxMembers) + user + `]}`, chat.CodeTooManyMembers, nil},
		{"POST", "/api/v1/conversations/x/members", `{"add":[` + user + `]}`, chat.CodeBadRequest, nil},
		// history
		{"GET", send + "?limit=201", "", chat.CodeBadRequest, nil},
		{"GET", send + "?limit=0", "", chat.CodeBadRequest, nil},
		{"GET", send + "?before=x", "", chat.CodeBadRequest, nil},
		{"GET", send + "?before=0", "", chat.CodeBadRequest, nil},
		{"GET", send + "?before=" + v4, "", chat.CodeBadRequest, nil},
		{"GET", send + "?after=" + v4, "", chat.CodeBadRequest, nil},
		{"GET", send + "?after=", "", chat.CodeBadRequest, nil},
		{"GET", send + "?after=" + v1 + "&before=" + v1, "", chat.CodeBadRequest, nil},
		{"GET", send + "?after=0&before=" + v1, "", chat.CodeBadRequest, nil},
		{"GET", send + "?befor=" + v1, "", chat.CodeBadRequest, nil},
		{"GET", "/api/v1/conversations/x/messages", "", chat.CodeBadRequest, nil},
		// devices
		{"PUT", devices, `{"device":"","provider":"fcm","token":"x"}`, chat.CodeBadRequest, nil},
		{"PUT", devices, `{"device":"phone","provider":"sms","token":"x"}`, chat.CodeBadRequest, nil},
		{"PUT", devices, `{"device":"phone","provider":"fcm","token":""}`, chat.CodeBadRequest, nil},
		{"PUT", devices, `{"device":"phone","provider":"fcm","token":"a b"}`, chat.CodeBadRequest, nil},
		{"PUT", devices, `{"device":"phone","provider":"fcm","token":"` + long[:chat.MaxPushToken+1] + `"}`, chat.CodeBadRequest, nil},
		{"PUT", devices, `{"device":"phone","provider":"fcm","token":"` + long[:chat.MaxPushToken] + `"}`, "", nil},
		{"PUT", devices, `{"device":"phone","provider":"apns","token":"../../../etc"}`, chat.CodeBadRequest, nil},
		{"PUT", devices, `{"device":"phone","provider":"apns","token":"00FFaa"}`, "", nil},
		{"DELETE", devices + "/" + long[:chat.MaxDeviceName+1], "", chat.CodeBadRequest, nil},
		{"DELETE", devices + "/a%00b", "", chat.CodeBadRequest, nil},
		{"DELETE", devices + "/", "", chat.CodeNotFound, nil},
		{"GET", devices + "/phone", "", chat.CodeMethodNotAllow, nil},
		// presence
		{"PUT", put, `{"device":"phone","gateway":"gateway-9","epoch":1}`, chat.CodeBadRequest, nil},
		{"PUT", put, `{"device":"phone","gateway":"","epoch":1}`, chat.CodeBadRequest, nil},
		{"PUT", put, `{"device":"phone","gateway":"gateway-1","epoch":0}`, chat.CodeBadRequest, nil},
		{"PUT", put, `{"device":"phone","gateway":"gateway-1","epoch":1.5}`, chat.CodeBadRequest, nil},
		{"PUT", put, `{"device":"phone","gateway":"gateway-1","epoch":1e99}`, chat.CodeBadRequest, nil},
		{"PUT", put, `{"device":"","gateway":"gateway-1","epoch":1}`, chat.CodeBadRequest, nil},
		{"GET", put, "", chat.CodeBadRequest, nil},
		{"GET", put + "?users=", "", chat.CodeBadRequest, nil},
		{"GET", put + "?users=x", "", chat.CodeBadRequest, nil},
		{"GET", put + "?users=" + v4 + ",", "", chat.CodeBadRequest, nil},
		{"GET", put + "?users=" + strings.Repeat(v4+",", chat.MaxPresenceUsers) + v4, "", chat.CodeBadRequest, nil},
	} {
		a := w.ask(t, test.method, test.path, test.body, test.header...)
		assert.Equal(t, test.want, a.code(t), "%s %s %.60s: %s", test.method, test.path, test.body, a.body)
		if test.want == chat.CodeMethodNotAllow {
			assert.NotEmpty(t, a.header.Get("Allow"))
		}
	}
}

// Every refusal in the table that REST can produce is produced; frames alone produce bad_frame.
func TestEveryCode(t *testing.T) {
	roomy := newWorld(t, transport.Network{}, size{1, 1, 1}, nil).ready(t)
	limited := newWorld(t, transport.Network{}, size{1, 1, 1}, func(c *Config) { c.Sends = oneSend(); c.RequestsPerSecond = 0.001 }).ready(t)
	lonely := newWorld(t, transport.Network{}, size{1, 1, 0}, nil)
	seen := map[chat.Code]bool{"": true}
	ask := func(w *world, method, path, body string, header ...string) answer {
		a := w.ask(t, method, path, body, header...)
		seen[a.code(t)] = true
		return a
	}
	role := func(code chat.Code, after time.Duration) {
		roomy.messages[0].will(refuses(chat.Errorf(code, "as the role says").After(after)))
		a := ask(roomy, "POST", conv+"/messages", goodBody)
		p := checkProblem(t, a)
		assert.Equal(t, code, p.Code)
		assert.Equal(t, after.Milliseconds(), p.RetryAfterMS)
		assert.Equal(t, "as the role says", p.Detail)
	}
	role(chat.CodeNotMember, 0)
	role(chat.CodeNotFound, 0)
	role(chat.CodeTooManyMembers, 0)
	role(chat.CodeStaleSend, 0)
	role(chat.CodeGroupLimit, 1500*time.Millisecond)
	role(chat.CodeUnavailable, 300*time.Millisecond)
	role(chat.CodeUnknownOutcome, 200*time.Millisecond)
	role(chat.CodeTooLarge, 0)
	role(chat.CodeNotContact, 0)
	role(chat.CodeModerated, 0)
	role(chat.CodeSessionLimit, 100*time.Millisecond)
	role(chat.CodeAddressLimit, 100*time.Millisecond)
	roomy.messages[0].will(refuses(errors.New("select * from secrets: syntax error")))
	a := ask(roomy, "POST", conv+"/messages", goodBody)
	assert.Equal(t, chat.CodeInternal, a.code(t))
	assert.NotContains(t, string(a.body), "secrets")

	ask(roomy, "POST", conv+"/messages", "{")
	ask(roomy, "POST", conv+"/messages", goodBody, "Content-Type", "")
	ask(roomy, "DELETE", conv+"/messages", "")
	ask(roomy, "GET", "/api/v1/presence", "", "Authorization", "")
	ask(roomy, "GET", "/api/v1/presence", "", "Authorization", "Bearer x")
	expired, err := roomy.users.User(token.User{ID: chat.NewID(), Expires: time.Now().Add(-time.Hour)})
	require.NoError(t, err)
	ask(roomy, "GET", "/api/v1/presence", "", "Authorization", "Bearer "+expired)
	p := checkProblem(t, ask(lonely, "POST", "/api/v1/sessions", `{"device":"phone"}`))
	assert.Equal(t, chat.CodeUnavailable, p.Code, "no gateway")
	assert.Positive(t, p.RetryAfterMS)

	limited.edge.cap.SetBurst(2)
	ask(limited, "POST", conv+"/messages", goodBody)
	limited.edge.cap.SetLimit(1e9)
	p = checkProblem(t, ask(limited, "POST", conv+"/messages", goodBody))
	assert.Equal(t, chat.CodeUserLimit, p.Code)
	assert.InDelta(t, 60_000, p.RetryAfterMS, 2000)
	limited.edge.cap.SetLimit(0)
	limited.edge.cap.SetBurst(0)
	p = checkProblem(t, ask(limited, "GET", "/api/v1/presence", "", "Authorization", ""))
	assert.Equal(t, chat.CodeServerLimit, p.Code, "before the token is looked at")
	assert.Positive(t, p.RetryAfterMS)
	assert.Equal(t, http.StatusOK, limited.ask(t, "GET", "/healthz", "").status)

	for _, c := range allCodes() {
		assert.Equal(t, c != chat.CodeBadFrame, seen[c], "%s", c)
	}
}

func TestAPanicIsAProblem(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, nil)
	w.edge.mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("a bug") })
	a := w.ask(t, "GET", "/panic", "")
	assert.Equal(t, chat.CodeInternal, a.code(t))
	assert.NotContains(t, string(a.body), "bug")
	assert.Equal(t, chat.CodeNotFound, w.ask(t, "GET", "/nowhere", "").code(t), "the edge goes on")
}

func TestTheLimitIsEachUsersOwn(t *testing.T) {
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, nil)
	refused := 0
	for i := range 70 {
		body := strings.Replace(goodBody, "000000000002", fmt.Sprintf("%012d", i), 1)
		if a := w.ask(t, "POST", conv+"/messages", body); a.status != http.StatusCreated {
			assert.Equal(t, chat.CodeUserLimit, a.code(t))
			refused++
		}
	}
	assert.InDelta(t, 10, refused, 2, "60 at once, then one a second")
	assert.Equal(t, http.StatusOK, w.ask(t, "GET", conv+"/messages", "").status, "reading is not sending")
	bob, err := w.users.User(token.User{ID: chat.NewID(), Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, http.StatusCreated, w.ask(t, "POST", conv+"/messages", goodBody, "Authorization", "Bearer "+bob).status)
}

func TestNewNeedsWhatItCallsAndWhatItTrusts(t *testing.T) {
	_, err := New(Config{})
	require.Error(t, err)
	w := newWorld(t, transport.Network{}, size{1, 1, 1}, nil)
	cfg := w.edge.cfg
	cfg.Gateways = []Gateway{{Name: "gateway-1", RPC: "127.0.0.1:1"}}
	_, err = New(cfg)
	require.ErrorContains(t, err, "gateway-1")
	_, err = New(w.edge.cfg) // its metrics are registered already
	require.Error(t, err)
}

// FuzzBodies sends anything to the routes that take a body: every answer is a success or a problem that is not ours.
func FuzzBodies(f *testing.F) {
	w := newWorld(f, transport.Network{}, size{1, 1, 1}, func(c *Config) { c.Sends = unlimited() }).ready(f)
	w.messages[0].will(func(_ context.Context, req any) (any, error) {
		if r, ok := req.(*pb.SendRequest); ok && (len(r.ClientMsgId) != 16 || r.Content == "" || len(r.Content) > chat.MaxContentBytes) {
			panic("a broken send reached a role")
		}
		return nil, nil
	})
	var routes [][3]string
	for _, r := range everyRoute() {
		if r[2] != "" {
			f.Add(uint8(len(routes)), []byte(r[2]))
			routes = append(routes, r)
		}
	}
	for _, s := range []string{"", "{}", "null", "[]", `{"device":"\ud800"}`, `{"members":[null]}`, `{"epoch":1e400}`, goodBody + "x"} {
		f.Add(uint8(3), []byte(s))
	}
	f.Fuzz(func(t *testing.T, route uint8, body []byte) {
		r := routes[int(route)%len(routes)]
		a := w.ask(t, r[0], r[1], string(body), "Content-Type", "application/json")
		if code := a.code(t); code.Status() >= 500 && code != "" {
			t.Fatalf("%v %q: %s", r, body, a.body)
		}
	})
}
