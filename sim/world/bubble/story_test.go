package bubble_test

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/network"
	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
	"github.com/chatlab/chatlab/system/transport"
)

const (
	day       = 24 * time.Hour
	messages  = 30 // while somebody is away
	tokenLife = time.Hour
)

// One function for the whole package: drivers keep timers for the life of a process, and these belong to one bubble.
func TestSevenDaysInOneBubble(t *testing.T) {
	// Whoever wakes has one to talk to: a second thread would only look for work, and garbage is nearly all of the heap.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	began := time.Now()
	var lived time.Duration
	synctest.Test(t, func(t *testing.T) {
		born := time.Now()
		s := newStory(t)
		s.everybodyGetsAMessage()
		s.goodbyeIsOfflineAtOnce()
		s.vanishedIsOfflineAfterTheTTL()
		s.sevenDaysPass()
		s.whoReturnsGetsEverything()
		lived = time.Since(born)
	})
	t.Logf("%v of virtual time took %v of real time", lived.Round(time.Second), time.Since(began).Round(time.Millisecond))
}

// story is three users of one group in a world of their own.
type story struct {
	t                 *testing.T
	ctx               context.Context
	lan               *network.Network
	world             *world.World
	alice, bob, carol *device
	group             chat.ID
	said              []string
}

func newStory(t *testing.T) *story {
	s := &story{t: t, ctx: t.Context(), lan: network.New(network.Config{})}
	switches, err := chat.Profile("hardened")
	require.NoError(t, err)
	s.world, err = world.Start(s.ctx, world.Config{
		Host: s.host, Partitions: 3, Switches: switches, Pace: 10 * time.Minute, Session: 5 * time.Minute, Nodes: 1,
	})
	require.NoError(t, err)
	t.Cleanup(s.end)
	s.alice, s.bob, s.carol = s.device("alice"), s.device("bob"), s.device("carol")
	for _, d := range []*device{s.alice, s.bob, s.carol} {
		d.start()
	}
	made, err := s.alice.CreateConversation(s.ctx, chat.Group, []chat.ID{s.bob.user, s.carol.user})
	require.NoError(t, err)
	s.group = made.ID
	return s
}

func (s *story) host(name string) transport.Network {
	h := s.lan.Host(name)
	return transport.Network{DialFunc: h.DialContext, ListenFunc: h.Listen}
}

func (s *story) everybodyGetsAMessage() {
	s.say("hello everybody")
	for _, d := range []*device{s.alice, s.bob, s.carol} {
		d.awaitShown(s.said)
		require.True(s.t, s.online(d))
	}
}

func (s *story) goodbyeIsOfflineAtOnce() {
	s.bob.stop()
	pass(time.Second)
	require.False(s.t, s.online(s.bob))
}

// vanishedIsOfflineAfterTheTTL: carol's phone falls into the sea, and no connection ends by it.
func (s *story) vanishedIsOfflineAfterTheTTL() {
	pass(5 * time.Minute)
	require.True(s.t, s.online(s.carol), "heartbeats keep a silent device online")
	s.carol.stop()
	s.carol.start() // its last sign of life
	for _, pod := range []string{"gateway-1", "edge-1"} {
		s.lan.Partition("carol", pod)
	}
	s.lan.Crash("carol")
	vanished := time.Now()
	s.carol.stop()
	for s.online(s.carol) && time.Since(vanished) < 5*time.Minute {
		pass(time.Second)
	}
	require.InDelta(s.t, 60, time.Since(vanished).Seconds(), 2, "seconds until a vanished device is offline")
}

// sevenDaysPass with one device connected: a second one, with its heartbeats, costs as much again.
func (s *story) sevenDaysPass() {
	for i := range messages {
		pass(away / messages)
		s.say(fmt.Sprintf("message %d, on day %d", i+1, 1+int(away)*i/messages/int(day)))
	}
	s.alice.awaitShown(s.said)
	require.Greater(s.t, s.alice.count(client.Renewed), int(away/tokenLife), "tokens that followed others over the open socket")
	require.Zero(s.t, s.alice.count(client.Disconnected), "connected all the time")
}

func (s *story) whoReturnsGetsEverything() {
	s.lan.HealAll()
	s.lan.Restart("carol")
	for _, d := range []*device{s.bob, s.carol} {
		d.start()
		require.NoError(s.t, d.Sync(s.ctx))
		d.awaitShown(s.said)
		require.True(s.t, s.online(d))
	}
	s.say("there you are")
	for _, d := range []*device{s.alice, s.bob, s.carol} {
		d.awaitShown(s.said)
	}
	history, more, err := s.carol.History(s.ctx, s.group, client.Range{FromStart: true, Limit: chat.MaxHistoryLimit})
	require.NoError(s.t, err)
	require.False(s.t, more)
	require.Len(s.t, history, len(s.said))
}

func (s *story) say(text string) {
	_, err := s.alice.Send(s.ctx, s.group, text)
	require.NoError(s.t, err)
	s.said = append(s.said, text)
}

func (s *story) online(d *device) bool {
	p, err := s.alice.Presence(s.ctx, d.user)
	require.NoError(s.t, err)
	require.Len(s.t, p, 1)
	return p[0].Online
}

// end leaves nothing behind: the test would fail for a goroutine that still lives.
func (s *story) end() {
	s.lan.HealAll()
	s.world.Close()
	require.Zero(s.t, s.lan.Living(), "connections that nobody closed")
}

func pass(d time.Duration) { <-time.After(d) }
