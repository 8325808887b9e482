package notify_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/node"
)

// A push pod that dies with users held in its memory has committed nothing of them: the next one decides anew.
func TestADeadPodForgetsNobody(t *testing.T) {
	t.Parallel()
	s := begin(t)
	alice, bob, carol := s.person("alice"), s.person("bob"), s.person("carol")
	alice.goOnline()
	bob.pretendOnline() // held until the presence TTL and the margin have passed
	conv := alice.group(bob, carol)
	alice.say(conv, "one")
	alice.say(conv, "two")
	carol.awaitTold(1, 10*time.Second) // so the records were taken
	require.Zero(t, s.told(bob.fcm()))
	dead, cancel := context.WithCancel(t.Context())
	cancel() // no time to end well
	s.world.Stop(dead, node.Push)
	require.Zero(t, s.told(bob.fcm()))
	require.NoError(t, s.world.Restart(t.Context(), node.Push))
	bob.awaitTold(1, 30*time.Second)
	require.Eventually(t, func() bool {
		shown := s.world.Push.Shown(carol.fcm())
		return len(shown) == 1 && s.world.Push.Shown(bob.fcm())[0].Unread == 2
	}, 10*time.Second, 20*time.Millisecond, "one notification a conversation, whatever was repeated")
}
