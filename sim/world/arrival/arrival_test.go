// Package arrival_test lets devices arrive at every moment around a message, in virtual time.
package arrival_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
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

const (
	before = 2400 * time.Millisecond // the message: more than any worker remembers
	after  = 600 * time.Millisecond
	step   = 100 * time.Millisecond
	slack  = 200 * time.Millisecond // for what takes time even here
)

// warmth is how long before the message something else was said to the same person: in another conversation, by which
// the worker looks up where they are, and in the same one, by which it takes over what it knows.
type warmth struct{ elsewhere, here time.Duration }

// One function for the whole package: drivers keep timers for the life of a process, and these belong to one bubble.
func TestWhoArrivesAroundAMessageSoonHasIt(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	synctest.Test(t, func(t *testing.T) {
		lan := network.New(network.Config{})
		s := &station{t: t, lan: lan, gateways: map[string]int{}}
		s.start()
		var all sync.WaitGroup
		for _, w := range []warmth{{1950 * time.Millisecond, 980 * time.Millisecond}, {1500 * time.Millisecond, 700 * time.Millisecond}, {900 * time.Millisecond, 300 * time.Millisecond}} {
			for _, moves := range []bool{false, true} {
				for offset := -before; offset <= after; offset += step {
					p := s.passenger(w, moves, offset)
					all.Go(p.travel)
				}
			}
		}
		all.Wait()
		require.Positive(t, s.gateways["moved"])
		require.Equal(t, s.gateways["moved"], s.gateways["elsewhere"], "who comes back is sent to another gateway")
		s.world.Close()
		require.Zero(t, lan.Living(), "connections that nobody closed")
	})
}

// station is a world with two gateways.
type station struct {
	t     *testing.T
	lan   *network.Network
	world *world.World
	n     int

	mu       sync.Mutex
	gateways map[string]int // how many moved, and how many of them elsewhere
}

func (s *station) host(name string) transport.Network {
	h := s.lan.Host(name)
	return transport.Network{DialFunc: h.DialContext, ListenFunc: h.Listen}
}

func (s *station) start() {
	switches, err := chat.Profile(chat.ProfileHardened)
	require.NoError(s.t, err)
	s.world, err = world.Start(s.t.Context(), world.Config{Host: s.host, Partitions: 3, Switches: switches, Nodes: 1, Gateways: 2, Pace: 10 * time.Minute, Session: 5 * time.Minute})
	require.NoError(s.t, err)
}

// passenger is somebody who arrives at an offset from a message, for the first time or from another gateway.
type passenger struct {
	s              *station
	w              warmth
	moves          bool
	offset         time.Duration
	name           string
	user           chat.ID
	sender, device *client.Client

	mu    sync.Mutex
	at    string    // gateway
	since time.Time // it is connected
	shown map[string]time.Time
}

func (s *station) passenger(w warmth, moves bool, offset time.Duration) *passenger {
	s.n++
	p := &passenger{s: s, w: w, moves: moves, offset: offset, name: fmt.Sprintf("device-%d", s.n), user: chat.NewID(), shown: map[string]time.Time{}}
	p.sender = s.client(p.name+"-friend", chat.NewID(), nil)
	p.device = s.client(p.name, p.user, p)
	return p
}

func (s *station) client(host string, user chat.ID, p *passenger) *client.Client {
	n := s.host(host)
	c := client.Config{
		EdgeURL: s.world.EdgeURL, UserID: user, Device: "phone", Network: n, Rand: rand.New(rand.NewPCG(7, uint64(s.n))),
		Token: func(context.Context) (string, error) { return s.world.Token(user, time.Hour) },
	}
	if p != nil {
		c.Observe = p.observe
		c.HTTP = &http.Client{Transport: elsewhere{p, &http.Transport{DialContext: n.DialFunc, DisableKeepAlives: true}}}
	}
	made, err := client.New(c)
	require.NoError(s.t, err)
	return made
}

// elsewhere asks for another gateway than the last one.
type elsewhere struct {
	p *passenger
	http.RoundTripper
}

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/sessions") {
		e.p.mu.Lock()
		body, _ := json.Marshal(map[string]string{"device": "phone", "avoid": e.p.at})
		e.p.mu.Unlock()
		r = r.Clone(r.Context())
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return e.RoundTripper.RoundTrip(r)
}

func (p *passenger) observe(e client.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Kind {
	case client.Connected:
		p.s.mu.Lock()
		if p.at != "" {
			p.s.gateways["moved"]++
			if p.at != e.Text {
				p.s.gateways["elsewhere"]++
			}
		}
		p.s.mu.Unlock()
		p.at, p.since = e.Text, time.Now()
	case client.Shown:
		p.shown[e.Text] = time.Now()
	}
}

// travel has the message said, and the passenger arrive around it.
func (p *passenger) travel() {
	ctx, end := context.WithCancel(p.s.t.Context())
	var apps sync.WaitGroup
	defer apps.Wait()
	defer end()
	apps.Go(func() { _ = p.sender.Run(ctx) })
	require.NoError(p.s.t, p.sender.Sync(ctx))
	here, there := p.conversation(ctx), p.conversation(ctx)
	if p.moves {
		apps.Go(func() { _ = p.device.Run(ctx) })
		require.NoError(p.s.t, p.device.Sync(ctx))
		pass(3 * time.Second) // its first heartbeat is over
	}
	said := time.Now().Add(before + step)
	var talk sync.WaitGroup
	talk.Go(func() { p.say(ctx, there, "elsewhere", said.Add(-p.w.elsewhere)) })
	talk.Go(func() { p.say(ctx, here, "before", said.Add(-p.w.here)) })
	talk.Go(func() { p.say(ctx, here, "message", said) })
	pass(time.Until(said.Add(p.offset)))
	if p.moves {
		p.s.lan.Crash(p.name)
		p.s.lan.Restart(p.name)
	} else {
		apps.Go(func() { _ = p.device.Run(ctx) })
	}
	talk.Wait()
	pass(4 * time.Second)
	p.judge(said)
}

func (p *passenger) conversation(ctx context.Context) chat.ID {
	made, err := p.sender.CreateConversation(ctx, chat.Direct, []chat.ID{p.user})
	require.NoError(p.s.t, err)
	return made.ID
}

func (p *passenger) say(ctx context.Context, conv chat.ID, text string, at time.Time) {
	pass(time.Until(at))
	_, err := p.sender.Send(ctx, conv, text)
	require.NoError(p.s.t, err)
}

// judge asks that nobody waited for a heartbeat that comes by chance.
func (p *passenger) judge(said time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := said
	if p.since.After(said) {
		from = p.since
	}
	for _, text := range []string{"elsewhere", "before", "message"} {
		at, ok := p.shown[text]
		assert.True(p.s.t, ok, "%q is not shown yet to who arrives %s from it, moves %t, %+v", text, p.offset, p.moves, p.w)
		assert.LessOrEqual(p.s.t, at.Sub(from), chat.SettleAfter+slack, "%q is shown late to who arrives %s from it, moves %t, %+v", text, p.offset, p.moves, p.w)
	}
}

func pass(d time.Duration) { <-time.After(d) }
