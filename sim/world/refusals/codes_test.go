package refusals_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/message"
	"github.com/chatlab/chatlab/system/node"
	"github.com/chatlab/chatlab/system/wire"
)

// scene is what the rows of the table of codes need: two friends in a group, one of them with an open socket.
type scene struct {
	*rig
	alice, bob user
	group      string
	phone      *socket
}

// provocation makes a running system refuse with a code, and tells the code that came and when to come back.
type provocation struct {
	code    chat.Code
	by      string
	provoke func(s *scene) (chat.Code, time.Duration)
}

// broken is a text on which the tuned moderation fails as no moderation should.
const broken = "the moderation breaks over this"

// strict is a world whose limits are met soon.
func strict(cfg *world.Config) {
	cfg.Switches.GroupLimit, cfg.Switches.GroupQueue, cfg.Switches.GroupWait = 5, 1, 100*time.Millisecond
	judge := message.RefuseWords([]string{"spam"})
	cfg.Tune = func(_ string, c *node.Config) {
		c.GatewayLimits.Sends = 2
		c.GatewayLimits.FrameRate, c.GatewayLimits.FrameBurst = 10, 60
		c.Moderate = func(ctx context.Context, sender chat.ID, content string) error {
			if content == broken {
				return errors.New("no such file: /var/lib/secret")
			}
			return judge(ctx, sender, content)
		}
	}
}

func rest(do func(s *scene) answer) func(*scene) (chat.Code, time.Duration) {
	return func(s *scene) (chat.Code, time.Duration) { a := do(s); return a.code, a.retryAfter }
}

func onSocket(do func(s *scene)) func(*scene) (chat.Code, time.Duration) {
	return func(s *scene) (chat.Code, time.Duration) {
		do(s)
		f := s.phone.refusal()
		return f.Code, time.Duration(f.RetryAfterMS) * time.Millisecond
	}
}

func sendFrame(conv, text string) wire.ClientFrame {
	id, _ := chat.ParseID(conv)
	return wire.ClientFrame{Type: wire.TypeSend, ConversationID: id, ClientMsgID: chat.NewClientMsgID(time.Now()), Content: text}
}

// provocations stand in the order in which they are tried: those that break stores come last.
func provocations() []provocation {
	const sessions, conversations = "/api/v1/sessions", "/api/v1/conversations"
	return []provocation{
		{chat.CodeBadRequest, "a body without what it needs", rest(func(s *scene) answer { return s.alice.call("POST", sessions, map[string]string{}) })},
		{chat.CodeBadRequest, "a send by socket without content", onSocket(func(s *scene) { s.phone.send(sendFrame(s.group, "")) })},
		{chat.CodeBadFrame, "a frame that is no JSON", onSocket(func(s *scene) { s.phone.write(websocket.MessageText, []byte("{")) })},
		{chat.CodeBadFrame, "a frame of a type that does not exist", onSocket(func(s *scene) { s.phone.send(wire.ClientFrame{Type: "subvert"}) })},
		{chat.CodeTooLarge, "a body of 70 KB", rest(func(s *scene) answer {
			return s.alice.call("POST", conversations+"/"+s.group+"/messages", `{"content":"`+strings.Repeat("x", 70<<10)+`"}`)
		})},
		{chat.CodeTooLarge, "content of 33 KB by socket", onSocket(func(s *scene) { s.phone.send(sendFrame(s.group, strings.Repeat("x", 33<<10))) })},
		{chat.CodeTokenMissing, "no token", rest(func(s *scene) answer { return s.call("GET", conversations, "", nil) })},
		{chat.CodeTokenInvalid, "a token that is none", rest(func(s *scene) answer { return s.call("GET", conversations, "x.y.z", nil) })},
		{chat.CodeTokenExpired, "a token that has expired", rest(func(s *scene) answer { return s.userFor(-time.Minute).call("GET", conversations, nil) })},
		{chat.CodeNotMember, "a stranger's send", rest(func(s *scene) answer { return s.user().say(s.group, "hello") })},
		{chat.CodeNotMember, "a send by socket into a conversation that is not there", onSocket(func(s *scene) { s.phone.send(sendFrame(chat.NewID().String(), "hello")) })},
		{chat.CodeNotContact, "a stranger's presence", rest(func(s *scene) answer { return s.alice.call("GET", "/api/v1/presence?users="+s.user().id.String(), nil) })},
		{chat.CodeNotFound, "a path that is not there", rest(func(s *scene) answer { return s.alice.call("GET", "/api/v1/secrets", nil) })},
		{chat.CodeMethodNotAllow, "a method that a path does not take", rest(func(s *scene) answer { return s.alice.call("PUT", sessions, "{}") })},
		{chat.CodeUnsupportedType, "a form", rest(func(s *scene) answer {
			req, err := http.NewRequest("POST", s.EdgeURL+sessions, strings.NewReader("device=phone"))
			require.NoError(s.t, err)
			req.Header.Set("Authorization", "Bearer "+s.alice.token)
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return s.do(req)
		})},
		{chat.CodeTooManyMembers, "a group of 501", rest(func(s *scene) answer {
			ids := make([]chat.ID, chat.MaxMembers)
			for i := range ids {
				ids[i] = chat.NewID()
			}
			return s.alice.call("POST", conversations, map[string]any{"type": "group", "members": ids})
		})},
		{chat.CodeStaleSend, "a client_msg_id of an hour ago", onSocket(func(s *scene) {
			f := sendFrame(s.group, "late")
			f.ClientMsgID = chat.NewClientMsgID(time.Now().Add(-time.Hour))
			s.phone.send(f)
		})},
		{chat.CodeModerated, "a word that is refused, by REST", rest(func(s *scene) answer { return s.alice.say(s.group, "buy Spam") })},
		{chat.CodeModerated, "a word that is refused, by socket", onSocket(func(s *scene) { s.phone.send(sendFrame(s.group, "SPAM!")) })},
		{chat.CodeInternal, "a moderation that fails", rest(func(s *scene) answer { return s.alice.say(s.group, broken) })},
		{chat.CodeGroupLimit, "a busy group", rest(func(s *scene) answer { return s.flood(chat.CodeGroupLimit, s.user(), s.group) })},
		{chat.CodeUserLimit, "a busy user", rest(func(s *scene) answer { return s.flood(chat.CodeUserLimit, s.user(), s.group) })},
		{chat.CodeServerLimit, "more frames at once than a session may have under way", onSocket(func(s *scene) {
			s.phone = s.user().connect("busy")
			for range 30 {
				s.phone.send(wire.ClientFrame{Type: wire.TypeHeartbeat})
			}
		})},
		{chat.CodeSessionLimit, "more frames a second than a session may send", onSocket(func(s *scene) {
			id, _ := chat.ParseID(s.group)
			for seq := range int64(100) {
				s.phone.send(wire.ClientFrame{Type: wire.TypeReceived, ConversationID: id, Seq: seq + 1})
			}
		})},
		{chat.CodeAddressLimit, "an address that asks the edge too often", rest(func(s *scene) answer { return hurried(s.t) })},
		{chat.CodeUnknownOutcome, "a log that is away", rest(func(s *scene) answer {
			quiet := s.alice.group(s.bob)
			for _, b := range s.Stores.Log.Brokers() {
				require.NoError(s.t, s.Stores.Log.Kill(b.Name))
			}
			return s.alice.say(quiet, "did it happen?")
		})},
		{chat.CodeUnavailable, "a store that is away", rest(func(s *scene) answer {
			for _, n := range s.Stores.Tables.Names() {
				require.NoError(s.t, s.Stores.Tables.Stop(n))
			}
			return s.bob.call("GET", conversations, nil)
		})},
	}
}

// hurried asks another system, in which addresses have little patience, until the address is refused, before anybody is
// authenticated.
func hurried(t *testing.T) answer {
	r := start(t, func(cfg *world.Config) { cfg.Tune = func(_ string, c *node.Config) { c.Security.AddressRate = 5 } })
	for range 100 {
		if a := r.call("GET", "/api/v1/conversations", "", nil); a.code != chat.CodeTokenMissing {
			return a
		}
	}
	return answer{}
}

// flood sends as fast as it can until one send is refused with the code.
func (s *scene) flood(code chat.Code, by user, conv string) answer {
	if code == chat.CodeGroupLimit {
		by, conv = s.alice, s.group
	}
	for range 200 {
		if a := by.say(conv, "again"); a.code == code {
			return a
		}
	}
	return answer{}
}

// TestEveryCode walks the table of refusals: each code comes from a running system, with a time to come back where its
// row says so, and with nothing of what went wrong inside.
func TestEveryCode(t *testing.T) {
	t.Parallel()
	s := &scene{rig: start(t, strict)}
	s.alice, s.bob = s.user(), s.user()
	s.group = s.alice.group(s.bob)
	seen := map[chat.Code]bool{}
	for _, p := range provocations() {
		t.Run(string(p.code)+"/"+p.by, func(t *testing.T) {
			s.t = t
			s.phone = s.alice.connect("phone")
			code, after := p.provoke(s)
			require.Equal(t, p.code, code)
			seen[code] = true
			for _, row := range chat.Codes() {
				if row.Code == code && strings.HasPrefix(row.Retry, "after retry_after_ms") {
					require.Positive(t, after, "the row says when to come back")
				}
			}
		})
	}
	for _, row := range chat.Codes() {
		assert.True(t, seen[row.Code], "no test meets the refusal %s", row.Code)
	}
}
