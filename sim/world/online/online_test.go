package online_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/network"
	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
	"github.com/chatlab/chatlab/system/transport"
)

// One function for the whole package: drivers keep timers for the life of a process, and these belong to one bubble.
func TestPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, true)
		s.contactsSeeWhoComesAndGoes()
		s.strangersSeeNothing()
		s.withoutPresenceMessagesStillArrive()
		s.end()

		s = newStory(t, false)
		s.withoutTheFallbackNothingArrivesLive()
		s.end()
	})
}

// story is alice and bob, who talk, and eve, who knows neither.
type story struct {
	t               *testing.T
	lan             *network.Network
	world           *world.World
	alice, bob, eve *device
	talk            chat.ID
	ended           bool
}

func newStory(t *testing.T, fallback bool) *story {
	s := &story{t: t, lan: network.New(network.Config{})}
	switches, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	switches.Fallback, switches.Doubt = fallback, fallback
	s.world, err = world.Start(t.Context(), world.Config{Host: s.host, Partitions: 3, Switches: switches, Pace: 10 * time.Minute, Session: 5 * time.Minute})
	require.NoError(t, err)
	t.Cleanup(s.end) // also when a requirement fails, so that its words are the last
	s.alice, s.bob, s.eve = s.device("alice"), s.device("bob"), s.device("eve")
	made, err := s.alice.CreateConversation(t.Context(), chat.Direct, []chat.ID{s.bob.user})
	require.NoError(t, err)
	s.talk = made.ID
	return s
}

func (s *story) host(name string) transport.Network {
	h := s.lan.Host(name)
	return transport.Network{DialFunc: h.DialContext, ListenFunc: h.Listen}
}

// device is a phone that keeps what it was told.
type device struct {
	*client.Client
	s    *story
	name string
	user chat.ID
	end  context.CancelFunc
	app  sync.WaitGroup

	mu      sync.Mutex
	online  map[chat.ID]bool
	refused map[chat.Code]int
	shown   []string
}

func (s *story) device(name string) *device {
	d := &device{s: s, name: name, user: chat.NewID(), online: map[chat.ID]bool{}, refused: map[chat.Code]int{}}
	d.start()
	return d
}

func (d *device) start() {
	var err error
	d.Client, err = client.New(client.Config{
		EdgeURL: d.s.world.EdgeURL, UserID: d.user, Device: "phone", Network: d.s.host(d.name), Observe: d.observe,
		Token: func(context.Context) (string, error) { return d.s.world.Token(d.user, time.Hour) },
		Rand:  rand.New(rand.NewPCG(7, uint64(d.user[0]))),
	})
	require.NoError(d.s.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	d.end = cancel
	d.app.Go(func() { _ = d.Run(ctx) })
	require.NoError(d.s.t, d.Sync(d.s.t.Context()))
}

func (d *device) stop() {
	d.end()
	d.app.Wait()
}

func (d *device) observe(e client.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e.Kind {
	case client.PresenceChanged:
		for _, p := range e.Online {
			d.online[p.UserID] = p.Online
		}
	case client.ErrorFrame:
		d.refused[e.Code]++
	case client.Shown:
		d.shown = append(d.shown, e.Text)
	}
}

func (d *device) sees(user chat.ID) (online, told bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	online, told = d.online[user]
	return online, told
}

func (d *device) has(text string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.shown {
		if t == text {
			return true
		}
	}
	return false
}

// within waits until ok, and says how long that took.
func (s *story) within(limit time.Duration, ok func() bool, what string) time.Duration {
	start := time.Now()
	for !ok() {
		require.Less(s.t, time.Since(start), limit, what)
		pass(50 * time.Millisecond)
	}
	return time.Since(start)
}

func (s *story) contactsSeeWhoComesAndGoes() {
	require.NoError(s.t, s.alice.Subscribe(s.bob.user))
	s.within(time.Second, func() bool { online, _ := s.alice.sees(s.bob.user); return online }, "told at once")

	s.bob.stop()
	s.within(6*time.Second, func() bool { online, _ := s.alice.sees(s.bob.user); return !online }, "said goodbye")
	s.bob.start()
	s.within(6*time.Second, func() bool { online, _ := s.alice.sees(s.bob.user); return online }, "is back")

	for _, pod := range []string{"gateway-1", "edge-1"} { // bob's phone falls into the sea, and no connection ends by it
		s.lan.Partition("bob", pod)
	}
	s.lan.Crash("bob")
	took := s.within(70*time.Second, func() bool { online, _ := s.alice.sees(s.bob.user); return !online }, "vanished")
	require.Greater(s.t, took, 20*time.Second)
	s.bob.stop()
	s.lan.HealAll()
	s.lan.Restart("bob")
	s.bob.start()

	s.lan.Crash("alice")
	s.lan.Restart("alice")
	s.within(6*time.Second, func() bool { online, _ := s.alice.sees(s.bob.user); return online }, "still subscribed")
}

func (s *story) strangersSeeNothing() {
	require.NoError(s.t, s.eve.Subscribe(s.bob.user))
	s.within(time.Second, func() bool { s.eve.mu.Lock(); defer s.eve.mu.Unlock(); return s.eve.refused[chat.CodeNotContact] == 1 }, "told so")
	_, told := s.eve.sees(s.bob.user)
	require.False(s.t, told)
	_, err := s.eve.Presence(s.t.Context(), s.bob.user)
	require.Equal(s.t, chat.CodeNotContact, chat.AsError(err).Code)
	_, err = s.eve.Presence(s.t.Context(), s.eve.user)
	require.NoError(s.t, err)

	made, err := s.eve.CreateConversation(s.t.Context(), chat.Group, []chat.ID{s.bob.user})
	require.NoError(s.t, err)
	require.NotZero(s.t, made.ID)
	pass(2 * time.Second) // a refusal is remembered for a second
	ps, err := s.eve.Presence(s.t.Context(), s.bob.user)
	require.NoError(s.t, err, "they share a group now")
	require.True(s.t, ps[0].Online)
}

func (s *story) withoutPresenceMessagesStillArrive() {
	require.NoError(s.t, s.world.Stores.Presence.Kill(false))
	for i, text := range []string{"one", "two", "three", "four", "five"} {
		s.say(text)
		s.within(2500*time.Millisecond, func() bool { return s.bob.has(text) }, text)
		pass(time.Duration(i) * 500 * time.Millisecond)
	}
	require.NoError(s.t, s.world.Stores.Presence.Restart())
	pass(5 * time.Second)
	s.say("six")
	s.within(time.Second, func() bool { return s.bob.has("six") }, "presence is back")
}

func (s *story) withoutTheFallbackNothingArrivesLive() {
	s.say("before")
	s.within(time.Second, func() bool { return s.bob.has("before") }, "live")
	pass(40 * time.Second) // past the heartbeats whose distance is drawn
	require.NoError(s.t, s.world.Stores.Presence.Kill(false))
	pass(2 * time.Second)
	s.say("during")
	s.within(time.Minute, func() bool { return s.bob.has("during") }, "found by a heartbeat")
	s.say("again") // just after a heartbeat: the next is 30 s away
	pass(25 * time.Second)
	require.False(s.t, s.bob.has("again"), "nobody knows where bob is")
	s.within(10*time.Second, func() bool { return s.bob.has("again") }, "found by the next heartbeat")
	require.NoError(s.t, s.world.Stores.Presence.Restart())
}

func (s *story) say(text string) {
	_, err := s.alice.Send(s.t.Context(), s.talk, text)
	require.NoError(s.t, err)
}

// end closes all that lives; a second time it finds nothing to do.
func (s *story) end() {
	if s.ended {
		return
	}
	s.ended = true
	for _, d := range []*device{s.alice, s.bob, s.eve} {
		if d != nil {
			d.stop()
		}
	}
	s.lan.HealAll()
	s.world.Close()
	pass(2 * time.Second) // the driver of a Redis that was away looks for it once a second, and only then sees that it is closed
	assert.Zero(s.t, s.lan.Living(), "connections that nobody closed")
}

func pass(d time.Duration) { <-time.After(d) }
