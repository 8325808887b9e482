package embedded_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/environment/deployment"
	"github.com/chatlab/chatlab/scenarios/environment/embedded"
	simpush "github.com/chatlab/chatlab/sim/push"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

// ttl of presence: who looks online and has not confirmed a message is notified after at most twice of it.
const ttl = 3 * time.Second

// TestWhoIsOfflineIsNotified: a push pod, a process of its own, notifies the member who is away of a message and not the
// one who has it, whichever write path numbers messages or does not.
func TestWhoIsOfflineIsNotified(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{chat.ProfileHardened, chat.ProfileMitigated} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			sw, err := chat.Profile(profile)
			require.NoError(t, err)
			sys, err := embedded.Environment{Reason: "test"}.Start(t.Context(), scenarios.Spec{
				Topology: scenarios.Topology{Gateways: 1, Messages: 1, Workers: 1, Presences: 1, Pushes: 1, Partitions: 3},
				Switches: sw, PresenceTTL: ttl, Heartbeat: ttl / 4,
			})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, sys.Close()) })
			h := &house{t, sys.(*deployment.System)}
			alice, bob, carol := h.person("alice"), h.person("bob"), h.person("carol")
			h.live(alice)
			h.live(bob)
			made, err := alice.CreateConversation(t.Context(), chat.Group, []chat.ID{bob.id, carol.id})
			require.NoError(t, err)
			for _, text := range []string{"one", "two"} {
				before := h.told(carol)
				_, err = alice.Send(t.Context(), made.ID, text)
				require.NoError(t, err)
				require.Eventually(t, func() bool { return h.told(carol) > before }, 20*time.Second, 20*time.Millisecond, "carol hears of %s", text)
				<-time.After(2*ttl + time.Second) // whoever looked online has been decided
			}
			require.Equal(t, 2, h.told(carol), "once of each")
			require.Zero(t, h.told(bob), "bob has it")
			require.Zero(t, h.told(alice), "alice has said it")
			for _, n := range h.sys.Notifications() {
				require.Equal(t, made.ID.String(), n.Conversation)
			}
		})
	}
}

type house struct {
	t   *testing.T
	sys *deployment.System
}

// person has a phone that takes notifications, and runs the app or does not.
type person struct {
	*client.Client
	id   chat.ID
	name string
}

func (h *house) person(name string) *person {
	p := &person{id: chat.NewID(), name: name}
	token, err := h.sys.Token(p.id)
	require.NoError(h.t, err)
	p.Client, err = client.New(client.Config{
		EdgeURL: h.sys.EdgeURL(), UserID: p.id, Device: "phone", Network: h.sys.Network(),
		Token: func(context.Context) (string, error) { return token, nil },
	})
	require.NoError(h.t, err)
	body := `{"device":"phone","provider":"fcm","token":"` + name + `"}`
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPut, h.sys.EdgeURL()+"/api/v1/devices", strings.NewReader(body))
	require.NoError(h.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	web := client.NewHTTP(h.sys.Network(), nil)
	defer web.CloseIdleConnections()
	res, err := web.Do(req)
	require.NoError(h.t, err)
	res.Body.Close()
	require.Less(h.t, res.StatusCode, 300)
	return p
}

// live runs the app until the test ends.
func (h *house) live(p *person) {
	ctx, cancel := context.WithCancel(context.Background())
	var app sync.WaitGroup
	app.Go(func() { _ = p.Run(ctx) })
	h.t.Cleanup(func() { cancel(); app.Wait() })
	require.NoError(h.t, p.Sync(h.t.Context()))
}

// told counts the notifications that a person's phone got.
func (h *house) told(p *person) (n int) {
	for _, one := range h.sys.Notifications() {
		if one.Provider == simpush.FCM && one.Token == p.name {
			n++
		}
	}
	return n
}
