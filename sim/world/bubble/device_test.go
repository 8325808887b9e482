package bubble_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

// device is a phone. Its app may be ended and started again, and goes on from the places that the phone kept.
type device struct {
	*client.Client
	s    *story
	name string
	user chat.ID
	kept []chat.Position
	end  context.CancelFunc
	app  sync.WaitGroup

	mu     sync.Mutex
	shown  []string // since the phone was bought
	counts map[client.Kind]int
}

func (s *story) device(name string) *device {
	d := &device{s: s, name: name, user: chat.NewID(), end: func() {}, counts: map[client.Kind]int{}}
	s.t.Cleanup(d.stop)
	return d
}

// start starts the app and returns when it is connected.
func (d *device) start() {
	c, err := client.New(client.Config{
		EdgeURL: d.s.world.EdgeURL, UserID: d.user, Device: "phone", Network: d.s.host(d.name), Positions: d.kept,
		Token:   func(context.Context) (string, error) { return d.s.world.Token(d.user, tokenLife) },
		Observe: d.observe, Rand: rand.New(rand.NewPCG(7, uint64(d.user[0]))),
	})
	require.NoError(d.s.t, err)
	ctx, cancel := context.WithCancel(d.s.ctx)
	d.Client, d.end = c, cancel
	d.app.Go(func() { _ = c.Run(ctx) })
	require.NoError(d.s.t, c.Sync(d.s.ctx))
}

// stop ends the app.
func (d *device) stop() {
	d.end()
	d.app.Wait()
	if d.Client != nil {
		d.kept = d.Positions()
	}
}

func (d *device) observe(e client.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e.Kind {
	case client.Shown:
		d.shown = append(d.shown, e.Text)
	}
	d.counts[e.Kind]++
}

// awaitShown gives the device a minute to show as many texts as these, which must then be the same.
func (d *device) awaitShown(want []string) {
	for limit := time.Now().Add(time.Minute); len(d.texts()) < len(want) && time.Now().Before(limit); {
		pass(10 * time.Millisecond)
	}
	require.Equal(d.s.t, want, d.texts(), "shown to %s", d.name)
}

func (d *device) texts() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.shown)
}

// count is how often something happened to the device.
func (d *device) count(k client.Kind) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counts[k]
}
