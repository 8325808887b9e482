// Package notify_test plays who is notified of what, with the whole system in one process.
package notify_test

import (
	"context"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	simpush "github.com/chatlab/chatlab/sim/push"
	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
	"github.com/chatlab/chatlab/system/node"
)

// ttl is short, so that what a vanished socket leaves behind ends soon.
const ttl = 2 * time.Second

// story is a world, and the phones of a few people.
type story struct {
	*testing.T
	world *world.World
}

func begin(t *testing.T) *story {
	switches, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	switches.Doubt = false // the presence store is as young as the test
	w, err := world.Start(t.Context(), world.Config{
		Partitions: 3, Switches: switches, Pace: 200 * time.Millisecond,
		Tune: func(_ string, c *node.Config) { c.PresenceTTL, c.Heartbeat = ttl, ttl/4 },
	})
	require.NoError(t, err)
	t.Cleanup(w.Close)
	return &story{t, w}
}

// person has a phone with an app for each provider.
type person struct {
	*story
	id   chat.ID
	name string
	app  *client.Client
	end  context.CancelFunc
}

func (s *story) person(name string) *person {
	p := &person{story: s, id: chat.NewID(), name: name, end: func() {}}
	c, err := client.New(client.Config{
		EdgeURL: s.world.EdgeURL, UserID: p.id, Device: "phone",
		Token: func(context.Context) (string, error) { return s.world.Token(p.id, time.Hour) },
	})
	require.NoError(s, err)
	p.app = c
	p.register("phone", simpush.FCM, p.fcm())
	p.register("tablet", simpush.APNs, p.apns())
	return p
}

func (p *person) fcm() string  { return "fcm-" + p.name }
func (p *person) apns() string { return hex.EncodeToString([]byte(p.name)) }

func (p *person) register(device, provider, token string) {
	p.ask(http.MethodPut, "/api/v1/devices", `{"device":"`+device+`","provider":"`+provider+`","token":"`+token+`"}`)
}

func (p *person) ask(method, path, body string) {
	token, err := p.world.Token(p.id, time.Hour)
	require.NoError(p, err)
	req, err := http.NewRequestWithContext(p.Context(), method, p.world.EdgeURL+path, strings.NewReader(body))
	require.NoError(p, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	require.NoError(p, err)
	res.Body.Close()
	require.Less(p, res.StatusCode, 300, "%s %s", method, path)
}

// goOnline runs the app until the test ends, or until it is ended.
func (p *person) goOnline() {
	ctx, cancel := context.WithCancel(p.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = p.app.Run(ctx) })
	p.end = func() { cancel(); running.Wait() }
	p.Cleanup(p.end)
	require.NoError(p, p.app.Sync(p.Context()))
}

func (p *person) group(others ...*person) chat.ID {
	var ids []chat.ID
	for _, o := range others {
		ids = append(ids, o.id)
	}
	c, err := p.app.CreateConversation(p.Context(), chat.Group, ids)
	require.NoError(p, err)
	return c.ID
}

func (p *person) say(conv chat.ID, text string) {
	_, err := p.app.Send(p.Context(), conv, text)
	require.NoError(p, err)
}

// told counts the messages that a token's notifications stand for, after collapsing: those of the newest one.
func (s *story) told(token string) (messages int) {
	for _, n := range s.world.Push.Shown(token) {
		messages += n.Unread
	}
	return messages
}

func (p *person) awaitTold(messages int, within time.Duration) {
	p.Helper()
	for _, token := range []string{p.fcm(), p.apns()} {
		require.Eventually(p, func() bool { return p.told(token) >= messages }, within, 20*time.Millisecond, "%s by %s", p.name, token)
	}
}

func TestWhoIsNotified(t *testing.T) {
	t.Parallel()
	s := begin(t)
	alice, bob, carol, dave := s.person("alice"), s.person("bob"), s.person("carol"), s.person("dave")
	for _, p := range []*person{alice, bob, dave} {
		p.goOnline()
	}
	conv := alice.group(bob, carol, dave)
	alice.say(conv, "secret text")
	bob.reads(conv)
	dave.reads(conv)
	carol.awaitTold(1, 10*time.Second)
	pass(2*ttl + time.Second) // whoever looked online has been decided
	require.Zero(t, s.told(bob.fcm()), "bob has it")
	require.Zero(t, s.told(alice.fcm()), "alice has said it")
	require.Len(t, s.world.Push.Notifications(), 2, "one to each of carol's devices")
	for _, n := range s.world.Push.Notifications() {
		require.NotContains(t, n.Body, "secret", "no text leaves")
		require.Equal(t, []string{conv.String(), alice.id.String()}, []string{n.Conversation, n.Sender})
	}
	bob.goOfflineSilently(conv, alice)
}

// goOfflineSilently: a delivery finds no socket although presence says that there is one, until its TTL has passed.
func (p *person) goOfflineSilently(conv chat.ID, from *person) {
	p.end()
	p.pretendOnline()
	said := time.Now()
	from.say(conv, "are you there?")
	p.awaitTold(1, 3*ttl+5*time.Second)
	require.Greater(p, time.Since(said), ttl/2, "it looked online when the message came")
}

// pretendOnline is the sign of life that a gateway's crash would have left behind.
func (p *person) pretendOnline() {
	p.ask(http.MethodPut, "/api/v1/presence", `{"device":"phone","gateway":"gateway-1","epoch":9000000000000000}`)
}

func TestDeadTokensAreForgotten(t *testing.T) {
	t.Parallel()
	s := begin(t)
	alice, bob := s.person("alice"), s.person("bob")
	alice.goOnline()
	conv := alice.group(bob)
	s.world.Push.Always(bob.fcm(), simpush.Unregistered)
	s.world.Push.Script(bob.apns(), simpush.APNsUnavailable)
	alice.say(conv, "one")
	require.Eventually(t, func() bool { return s.told(bob.apns()) == 1 }, 10*time.Second, 20*time.Millisecond, "told again after a refusal")
	pass(ttl) // past the quiet time
	alice.say(conv, "two")
	require.Eventually(t, func() bool { return len(s.world.Push.Notifications()) == 2 }, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, 1, s.world.Push.Requests(simpush.FCM, "UNREGISTERED"), "asked once, then the token is gone")
}

// Whoever is not a member at a message's place is not told of it.
func TestOutsidersAreNotTold(t *testing.T) {
	t.Parallel()
	s := begin(t)
	alice, bob, carol := s.person("alice"), s.person("bob"), s.person("carol")
	stranger := s.person("stranger")
	alice.goOnline()
	conv := alice.group(bob)
	alice.say(conv, "before carol")
	bob.awaitTold(1, 10*time.Second)
	members := "/api/v1/conversations/" + conv.String() + "/members"
	alice.ask(http.MethodPost, members, `{"add":["`+carol.id.String()+`"],"remove":["`+bob.id.String()+`"]}`)
	require.Eventually(t, func() bool { return carol.isMember(conv) && !bob.isMember(conv) }, 10*time.Second, 20*time.Millisecond)
	pass(ttl)
	before := s.told(bob.fcm())
	alice.say(conv, "after bob")
	carol.awaitTold(1, 10*time.Second)
	pass(ttl)
	require.Equal(t, before, s.told(bob.fcm()), "bob has left")
	require.Equal(t, 1, s.told(carol.fcm()), "carol was not there at first")
	require.Zero(t, s.told(stranger.fcm()))
}

// reads says that the user has read the first message, as soon as there is one.
func (p *person) reads(conv chat.ID) {
	require.Eventually(p, func() bool {
		history, _, err := p.app.History(p.Context(), conv, client.Range{Limit: 1})
		return err == nil && len(history) == 1
	}, 5*time.Second, 20*time.Millisecond)
	p.ask(http.MethodPost, "/api/v1/conversations/"+conv.String()+"/read", `{"seq":1}`)
}

func (p *person) isMember(conv chat.ID) bool {
	list, _, err := p.app.Conversations(p.Context(), 20, 0)
	require.NoError(p, err)
	for _, c := range list {
		if c.ID == conv {
			return true
		}
	}
	return false
}

func pass(d time.Duration) { <-time.After(d) }
