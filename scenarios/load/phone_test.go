package load_test

import (
	"context"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios/load"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

func TestMain(m *testing.M) {
	load.Main()
	os.Exit(m.Run())
}

// phone is a device in a load process of its own, that nobody answers.
func phone(t *testing.T, observe func(client.Event)) (*load.Process, *load.Phone) {
	p, err := load.Start(load.Setup{EdgeURL: "http://127.0.0.1:1", Reconnect: client.ReconnectJitter}, nil)
	require.NoError(t, err)
	d, err := p.Phone(load.Login{User: chat.NewID(), Token: "none"}, observe)
	require.NoError(t, err)
	return p, d
}

// A phone tells what happens to it, does what it is asked to, and stops when nobody wants it any more.
func TestAPhoneIsAClientElsewhere(t *testing.T) {
	tried := make(chan struct{})
	var events atomic.Int64
	p, d := phone(t, func(e client.Event) {
		if events.Add(1); e.Kind == client.Disconnected && e.Attempt == 0 && events.Load() == 2 {
			close(tried)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- d.Run(ctx) }()
	<-tried

	sending, giveUp := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer giveUp()
	_, err := d.Send(sending, chat.NewID(), "hello")
	var failed *client.SendError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, client.Unsent, failed.Outcome)
	require.Empty(t, d.Positions())

	cancel()
	require.Error(t, <-ran)
	require.NoError(t, p.Close())
}

// Whoever waits for a phone learns that its process is gone.
func TestAPhoneWhoseProcessDies(t *testing.T) {
	tried := make(chan struct{}, 100)
	p, d := phone(t, func(client.Event) { tried <- struct{}{} })
	ran := make(chan error, 1)
	go func() { ran <- d.Run(t.Context()) }()
	<-tried
	require.NoError(t, syscall.Kill(p.PID(), syscall.SIGKILL))
	require.ErrorContains(t, <-ran, "its load process has ended")
	require.ErrorContains(t, p.Close(), "killed")
}
