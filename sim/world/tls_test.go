package world_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

// secure is a system whose edge and gateway speak TLS with a development certificate.
func secure(t *testing.T) (w *world.World, trust *tls.Config) {
	switches, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "tls")
	w, err = world.Start(t.Context(), world.Config{Partitions: 2, Switches: switches, TLSDev: dir})
	require.NoError(t, err)
	t.Cleanup(w.Close)
	authority, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(authority))
	return w, &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}
}

// phone runs a device until the test ends; told are its events.
func phone(t *testing.T, w *world.World, edge string, trust *tls.Config) (c *client.Client, user chat.ID, told <-chan client.Event) {
	events := make(chan client.Event, 1000)
	user = chat.NewID()
	c, err := client.New(client.Config{
		EdgeURL: edge, TLS: trust, UserID: user, Device: "phone",
		Token:   func(context.Context) (string, error) { return w.Token(user, time.Hour) },
		Observe: func(e client.Event) { events <- e },
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var app sync.WaitGroup
	app.Go(func() { _ = c.Run(ctx) })
	t.Cleanup(func() { cancel(); app.Wait() })
	return c, user, events
}

// next waits for an event of a kind.
func next(t *testing.T, told <-chan client.Event, kind client.Kind) client.Event {
	t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for {
		select {
		case e := <-told:
			if e.Kind == kind {
				return e
			}
		case <-late.C:
			require.FailNow(t, "nothing came", "no %s", kind)
		}
	}
}

func TestDevicesTalkByTLS(t *testing.T) {
	w, trust := secure(t)
	require.Regexp(t, "^https://", w.EdgeURL)
	alice, _, _ := phone(t, w, w.EdgeURL, trust)
	_, bob, told := phone(t, w, w.EdgeURL, trust)
	next(t, told, client.Connected)
	made, err := alice.CreateConversation(t.Context(), chat.Direct, []chat.ID{bob})
	require.NoError(t, err)
	_, err = alice.Send(t.Context(), made.ID, "nobody overhears this")
	require.NoError(t, err)
	require.Equal(t, "nobody overhears this", next(t, told, client.Shown).Text)
}

// TestWhoDoesNotTrustTheSystemSaysWhy: a device that lacks the authority gets nowhere, and neither does one without TLS.
func TestWhoDoesNotTrustTheSystemSaysWhy(t *testing.T) {
	w, _ := secure(t)
	c, _, told := phone(t, w, w.EdgeURL, nil)
	require.Contains(t, next(t, told, client.Disconnected).Text, "open session: call edge: ")
	require.Contains(t, next(t, told, client.Disconnected).Text, "certificate signed by unknown authority")
	_, _, err := c.Conversations(t.Context(), 10, 0)
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)

	_, _, told = phone(t, w, strings.Replace(w.EdgeURL, "https://", "http://", 1), nil)
	require.Contains(t, next(t, told, client.Disconnected).Text, "open session")
}
