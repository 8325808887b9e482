package refusals_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/edge"
	"github.com/chatlab/chatlab/system/wire"
)

// secret is a group of alice and bob that mallory, who has a token, is not in.
type secret struct {
	*rig
	alice, bob, mallory user
	group               string
	id                  chat.ID
}

const word = "the secret word"

func newSecret(t *testing.T) *secret {
	s := &secret{rig: start(t, nil)}
	s.alice, s.bob, s.mallory = s.user(), s.user(), s.user()
	s.group = s.alice.group(s.bob)
	s.id, _ = chat.ParseID(s.group)
	require.Empty(t, s.alice.say(s.group, word).code)
	require.Eventually(t, func() bool { return slices.Contains(s.bob.history(s.group), word) }, patience, 20*time.Millisecond)
	return s
}

// leaks says whether a text tells anything of the group.
func (s *secret) leaks(text string) bool {
	for _, part := range []string{word, s.group, s.alice.id.String(), s.bob.id.String()} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// attempt is what an outsider tries by REST, and how it is answered: a code, or none where the route is the
// outsider's own and tells only of the outsider.
type attempt struct {
	body any
	path string // instead of the route's, with a query
	want chat.Code
}

// attempts has one for every route of the edge.
func (s *secret) attempts() map[string]attempt {
	group := "/api/v1/conversations/" + s.group
	return map[string]attempt{
		"POST /api/v1/sessions":                    {body: map[string]string{"device": "phone"}},
		"POST /api/v1/conversations":               {body: map[string]any{"type": "group", "members": []chat.ID{}}},
		"GET /api/v1/conversations":                {path: "/api/v1/conversations?limit=100"},
		"GET /api/v1/inbox":                        {path: "/api/v1/inbox?limit=50&messages=50"},
		"POST /api/v1/conversations/{id}/members":  {path: group + "/members", body: map[string]any{"add": []chat.ID{s.mallory.id}}, want: chat.CodeNotMember},
		"POST /api/v1/conversations/{id}/messages": {path: group + "/messages", body: map[string]any{"client_msg_id": chat.NewClientMsgID(time.Now()), "content": "let me in"}, want: chat.CodeNotMember},
		"GET /api/v1/conversations/{id}/messages":  {path: group + "/messages?after=0", want: chat.CodeNotMember},
		"POST /api/v1/conversations/{id}/read":     {path: group + "/read", body: map[string]any{"seq": 1}, want: chat.CodeNotMember},
		"GET /api/v1/conversations/{id}/receipts":  {path: group + "/receipts?seq=1", want: chat.CodeNotMember},
		"PUT /api/v1/presence":                     {body: map[string]any{"device": "phone", "gateway": "gateway-1", "epoch": 1, "user_id": s.alice.id}, want: chat.CodeBadRequest},
		"GET /api/v1/presence":                     {path: "/api/v1/presence?users=" + s.alice.id.String(), want: chat.CodeNotContact},
		"PUT /api/v1/devices":                      {body: map[string]any{"device": "phone", "provider": "fcm", "token": "mallory's", "user_id": s.alice.id}, want: chat.CodeBadRequest},
		"DELETE /api/v1/devices/{device}":          {path: "/api/v1/devices/phone"},
		"GET /api/v1/openapi.yaml":                 {},
		"GET /api/v1/asyncapi.yaml":                {},
	}
}

// TestAnOutsiderIsToldNothingByAnyRoute walks the routes of the edge: one that this test does not know fails it.
func TestAnOutsiderIsToldNothingByAnyRoute(t *testing.T) {
	t.Parallel()
	s := newSecret(t)
	s.alice.call("PUT", "/api/v1/devices", map[string]string{"device": "phone", "provider": "fcm", "token": "alice's"})
	attempts := s.attempts()
	for _, route := range edge.Routes() {
		a, known := attempts[route]
		if !assert.True(t, known, "no outsider tries %s", route) {
			continue
		}
		method, path, _ := strings.Cut(route, " ")
		if a.path != "" {
			path = a.path
		}
		got := s.mallory.call(method, path, a.body)
		assert.Equal(t, a.want, got.code, "%s: %s", route, got.body)
		assert.False(t, s.leaks(got.body) && a.want == "", "%s tells: %s", route, got.body)
		assert.NotContains(t, got.body, word, route)
	}
	s.unharmed(t)
}

// unharmed: what the outsider tried changed nothing for the members.
func (s *secret) unharmed(t *testing.T) {
	require.Equal(t, []string{word}, s.bob.history(s.group))
	a := s.alice.call("GET", "/api/v1/conversations", nil)
	require.Contains(t, a.body, s.group)
	require.NotContains(t, a.body, s.mallory.id.String())
	rows, err := s.Stores.Tables.Rows(s.Stores.Tables.Names()[0], "chat", "devices")
	require.NoError(t, err)
	var tokens []any
	for _, r := range rows {
		tokens = append(tokens, r["push_token"])
	}
	require.Equal(t, []any{"alice's"}, tokens, "whose devices take notifications")
}

// nowhere is where these would be tried if the group did not exist.
func (s *secret) nowhere(a attempt) (attempt, string) {
	nowhere := chat.NewID().String()
	if a.path = strings.Replace(a.path, s.group, nowhere, 1); a.body != nil { // a send of its own
		if said, ok := a.body.(map[string]any); ok && said["client_msg_id"] != nil {
			a.body = map[string]any{"client_msg_id": chat.NewClientMsgID(time.Now()), "content": said["content"]}
		}
	}
	return a, nowhere
}

// TestAnOutsiderCannotTellWhatExists asks about the group and about one that does not exist: the answers are the same
// but for the id that was asked for.
func TestAnOutsiderCannotTellWhatExists(t *testing.T) {
	t.Parallel()
	s := newSecret(t)
	asked := 0
	for route, a := range s.attempts() {
		if !strings.Contains(a.path, s.group) {
			continue
		}
		asked++
		method, _, _ := strings.Cut(route, " ")
		b, nowhere := s.nowhere(a)
		there, not := s.mallory.call(method, a.path, a.body), s.mallory.call(method, b.path, b.body)
		require.Equal(t, 403, there.status, route)
		there.body = strings.ReplaceAll(there.body, s.group, nowhere)
		require.Equal(t, there, not, route)
	}
	require.Equal(t, 5, asked, "the routes of a conversation")

	phone := s.mallory.connect("phone")
	for _, typ := range []string{wire.TypeSend, wire.TypeTyping} {
		var heard []wire.ServerFrame
		nowhere := chat.NewID()
		for _, conv := range []chat.ID{s.id, nowhere} {
			phone.send(wire.ClientFrame{Type: typ, ConversationID: conv, ClientMsgID: chat.NewClientMsgID(time.Now()), Content: "let me in"})
			f := phone.refusal()
			require.Equal(t, chat.CodeNotMember, f.Code, typ)
			f.Message = strings.ReplaceAll(f.Message, conv.String(), "ID")
			f.ClientMsgID = chat.ID{}
			heard = append(heard, f)
		}
		require.Equal(t, heard[0], heard[1], typ)
	}
	require.Equal(t, []string{word}, s.bob.history(s.group))
}

// frames are what an outsider's socket may say of the group, with the refusal; no code: it is passed over in silence.
func (s *secret) tryFrames(by *socket) {
	said := wire.ClientFrame{ConversationID: s.id, Seq: 1}
	for _, typ := range []string{wire.TypeReceived, wire.TypeRead, wire.TypeTyping} {
		f := said
		f.Type = typ
		by.send(f)
	}
	by.send(wire.ClientFrame{Type: wire.TypeSubscribe, Users: []chat.ID{s.alice.id, s.bob.id}})
	by.send(wire.ClientFrame{Type: wire.TypeResume, Positions: []chat.Position{{ConversationID: s.id, Seq: 0}}})
	by.send(wire.ClientFrame{Type: wire.TypeHeartbeat, Positions: []chat.Position{{ConversationID: s.id, Seq: 0}}})
	by.send(sendFrame(s.group, "let me in"))
	by.until("refusal of the send", func(f wire.ServerFrame) bool {
		return f.Type == wire.TypeError && f.Code == chat.CodeNotMember && f.ClientMsgID != chat.ID{}
	})
}

// TestAnOutsidersSocketHearsNothing: whatever it says, it gets no frame of the conversation, and the members get none
// that tells of it.
func TestAnOutsidersSocketHearsNothing(t *testing.T) {
	t.Parallel()
	s := newSecret(t)
	alice, bob, mallory := s.alice.connect("phone"), s.bob.connect("phone"), s.mallory.connect("phone")
	settle()
	s.tryFrames(mallory)
	for _, text := range []string{"one", "two", "three"} {
		alice.send(sendFrame(s.group, text))
		bob.shows(text)
	}
	bob.send(wire.ClientFrame{Type: wire.TypeTyping, ConversationID: s.id})
	s.tryFrames(mallory)
	s.talkElsewhere(mallory)
	bob.fence()
	for _, f := range mallory.raw {
		f = strings.ReplaceAll(f, "not a member of conversation "+s.group, "") // a refusal may repeat what it refuses
		require.False(t, s.leaks(f), "mallory's socket heard %s", f)
	}
	for _, f := range append(alice.raw, bob.raw...) {
		require.NotContains(t, f, s.mallory.id.String(), "a member's socket heard of mallory")
	}
}

// talkElsewhere waits until workers have pushed to the socket what was sent after everything else.
func (s *secret) talkElsewhere(to *socket) {
	other := s.user()
	conv := other.group(s.mallory)
	require.Empty(s.t, other.say(conv, "something else").code)
	to.shows("something else")
	to.fence()
}

// TestAPersonWhoWasRemovedHearsNothingMore: up to the removal its place is the member's own, after it is an outsider's.
func TestAPersonWhoWasRemovedHearsNothingMore(t *testing.T) {
	t.Parallel()
	s := newSecret(t)
	members := "/api/v1/conversations/" + s.group + "/members"
	require.Equal(t, 204, s.alice.call("POST", members, map[string]any{"add": []chat.ID{s.mallory.id}}).status)
	require.Eventually(t, func() bool { return s.mallory.listed(s.group) }, patience, 50*time.Millisecond)
	alice, bob, mallory := s.alice.connect("phone"), s.bob.connect("phone"), s.mallory.connect("phone")
	settle()
	require.Empty(t, s.alice.say(s.group, "welcome").code)
	mallory.shows("welcome")
	require.Equal(t, 204, s.alice.call("POST", members, map[string]any{"remove": []chat.ID{s.mallory.id}}).status)
	gone := mallory.until("notice of the removal", func(f wire.ServerFrame) bool { return f.MessageType == chat.TypeMembersRemoved })
	heard := len(mallory.raw)
	for _, text := range []string{"at last", "we are alone"} {
		alice.send(sendFrame(s.group, text))
		bob.shows(text)
	}
	require.Eventually(t, func() bool { return s.mallory.say(s.group, "still here").code == chat.CodeNotMember }, patience, 50*time.Millisecond)
	before := len(s.bob.history(s.group))
	s.tryFrames(mallory)
	s.talkElsewhere(mallory)
	for _, f := range mallory.raw[heard:] {
		require.NotContains(t, f, "alone", "pushed after the removal")
		require.NotContains(t, f, `"type":"message","conversation_id":"`+s.group, "pushed after the removal")
	}
	require.NotContains(t, s.mallory.history(s.group), "we are alone")
	require.Contains(t, s.mallory.history(s.group), "welcome", "what it could see it may read again")
	require.Equal(t, chat.CodeNotMember, s.mallory.call("POST", members, map[string]any{"add": []chat.ID{s.mallory.id}}).code)
	require.False(t, s.mallory.listed(s.group))
	require.Len(t, s.bob.history(s.group), before, "and it has changed nothing")
	require.Positive(t, gone.Seq)
}

// settle lets the workers forget where nobody was before the sockets opened: they keep that for a second.
func settle() { <-time.After(1500 * time.Millisecond) }

func (u user) listed(conv string) bool {
	return strings.Contains(u.call("GET", "/api/v1/conversations?limit=100", nil).body, conv)
}
