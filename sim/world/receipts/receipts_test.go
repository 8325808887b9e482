// Package receipts_test plays receipts, cursors, typing and unread counts through the whole system.
package receipts_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/sim/world"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
	"github.com/chatlab/chatlab/system/wire"
)

const patience = 20 * time.Second

// device is a phone that keeps what it was told.
type device struct {
	*client.Client
	t    *testing.T
	user chat.ID

	mu     sync.Mutex
	events []client.Event
}

func start(t *testing.T, change func(*chat.Switches)) *world.World {
	sw, err := chat.Profile(chat.ProfileHardened)
	require.NoError(t, err)
	if change != nil {
		change(&sw)
	}
	w, err := world.Start(t.Context(), world.Config{Partitions: 3, Switches: sw})
	require.NoError(t, err)
	t.Cleanup(w.Close)
	return w
}

func phone(t *testing.T, w *world.World) *device {
	d := &device{t: t, user: chat.NewID()}
	var err error
	d.Client, err = client.New(client.Config{
		EdgeURL: w.EdgeURL, UserID: d.user, Device: "phone", Observe: d.observe,
		Token: func(context.Context) (string, error) { return w.Token(d.user, time.Hour) },
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var app sync.WaitGroup
	app.Go(func() { _ = d.Run(ctx) })
	t.Cleanup(func() { cancel(); app.Wait() })
	require.NoError(t, d.Sync(ctx))
	return d
}

func (d *device) observe(e client.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, e)
}

func (d *device) told(k client.Kind) (out []client.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.events {
		if e.Kind == k {
			out = append(out, e)
		}
	}
	return out
}

// awaitReceipt waits until a frame says this of a place.
func (d *device) awaitReceipt(want wire.Receipt, members int) {
	d.t.Helper()
	require.Eventually(d.t, func() bool {
		return slices.ContainsFunc(d.told(client.Receipt), func(e client.Event) bool {
			return e.Members == members && slices.Contains(e.Receipts, want)
		})
	}, patience, 20*time.Millisecond, "want %+v of %d, told %+v", want, members, d.told(client.Receipt))
}

func (d *device) say(conv chat.ID, texts ...string) {
	for _, text := range texts {
		_, err := d.Send(d.t.Context(), conv, text)
		require.NoError(d.t, err)
	}
}

func (d *device) awaitShown(n int) {
	d.t.Helper()
	require.Eventually(d.t, func() bool { return len(d.told(client.Shown)) >= n }, patience, 10*time.Millisecond)
}

func (d *device) of(conv chat.ID) client.Conversation {
	d.t.Helper()
	list, _, err := d.Conversations(d.t.Context(), 20, 0)
	require.NoError(d.t, err)
	i := slices.IndexFunc(list, func(c client.Conversation) bool { return c.ID == conv })
	require.GreaterOrEqual(d.t, i, 0)
	return list[i]
}

func codeOf(err error) chat.Code {
	var refusal *chat.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

func TestReceiptsReachTheSender(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	alice, bob, carol, mallory := phone(t, w), phone(t, w), phone(t, w), phone(t, w)
	made, err := alice.CreateConversation(t.Context(), chat.Group, []chat.ID{bob.user, carol.user})
	require.NoError(t, err)
	conv := made.ID
	alice.say(conv, "one", "two", "three")
	alice.awaitReceipt(wire.Receipt{Seq: 3, Delivered: 2}, 2)
	require.EqualValues(t, 3, bob.of(conv).Unread)
	require.NoError(t, bob.Read(t.Context(), conv, chat.Position{Seq: 2}))
	alice.awaitReceipt(wire.Receipt{Seq: 2, Delivered: 2, Read: 1}, 2)
	require.NoError(t, carol.ReadUpTo(t.Context(), conv, 3))
	alice.awaitReceipt(wire.Receipt{Seq: 3, Delivered: 2, Read: 1}, 2)
	require.Zero(t, carol.of(conv).Unread)
	require.EqualValues(t, 3, carol.of(conv).ReadSeq)
	require.EqualValues(t, 1, bob.of(conv).Unread)

	// An outsider's cursors change nothing, and an outsider learns nothing.
	require.NoError(t, mallory.Read(t.Context(), conv, chat.Position{Seq: 3}))
	require.Equal(t, chat.CodeNotMember, codeOf(mallory.ReadUpTo(t.Context(), conv, 3)))
	_, _, err = mallory.Receipts(t.Context(), conv, 3)
	require.Equal(t, chat.CodeNotMember, codeOf(err))
	mallory.Typing(conv)
	require.Eventually(t, func() bool { return len(mallory.told(client.ErrorFrame)) > 0 }, patience, 10*time.Millisecond)
	require.Equal(t, chat.CodeNotMember, mallory.told(client.ErrorFrame)[0].Code)
	require.Eventually(t, func() bool {
		counts, members, err := alice.Receipts(t.Context(), conv, 1, 2, 3)
		return err == nil && members == 2 && slices.Equal(counts, []wire.Receipt{{Seq: 1, Delivered: 2, Read: 2}, {Seq: 2, Delivered: 2, Read: 2}, {Seq: 3, Delivered: 2, Read: 1}})
	}, patience, 100*time.Millisecond)
	require.Empty(t, mallory.told(client.Receipt))
	require.Empty(t, bob.told(client.Receipt), "who sent nothing is told nothing")
	require.Empty(t, bob.told(client.Typing))

	// A place that nobody has cannot be read.
	require.Equal(t, chat.CodeUnavailable, codeOf(bob.ReadUpTo(t.Context(), conv, 1000)))
	counts, _, err := alice.Receipts(t.Context(), conv, 1000)
	require.NoError(t, err)
	require.Equal(t, []wire.Receipt{{Seq: 1000}}, counts)
	for _, e := range alice.told(client.Receipt) {
		for _, r := range e.Receipts {
			require.LessOrEqual(t, r.Seq, int64(3))
			require.LessOrEqual(t, r.Delivered, e.Members)
		}
	}
}

func TestTypingReachesTheOthers(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	alice, bob := phone(t, w), phone(t, w)
	made, err := alice.CreateConversation(t.Context(), chat.Direct, []chat.ID{bob.user})
	require.NoError(t, err)
	alice.Typing(made.ID)
	require.Eventually(t, func() bool { return len(bob.told(client.Typing)) == 1 }, patience, 10*time.Millisecond)
	require.Equal(t, alice.user, bob.told(client.Typing)[0].Sender)
	require.Empty(t, alice.told(client.Typing))

	big, err := alice.CreateConversation(t.Context(), chat.Group, append(strangers(chat.MaxSocialGroup-1), bob.user))
	require.NoError(t, err)
	alice.Typing(big.ID)
	alice.say(big.ID, "hello all") // after it on the same way
	bob.awaitShown(1)
	require.Len(t, bob.told(client.Typing), 1, "nobody is told in a big group")
}

func strangers(n int) []chat.ID {
	out := make([]chat.ID, n)
	for i := range out {
		out[i] = chat.NewID()
	}
	return out
}

func TestReceiptsSwitchedOff(t *testing.T) {
	t.Parallel()
	w := start(t, func(s *chat.Switches) { s.Receipts = false })
	alice, bob := phone(t, w), phone(t, w)
	made, err := alice.CreateConversation(t.Context(), chat.Direct, []chat.ID{bob.user})
	require.NoError(t, err)
	alice.say(made.ID, "hello")
	bob.awaitShown(1)
	require.Equal(t, chat.CodeUnavailable, codeOf(bob.ReadUpTo(t.Context(), made.ID, 1)))
	require.NoError(t, bob.Read(t.Context(), made.ID, chat.Position{Seq: 1}))
	require.Eventually(t, func() bool { return len(bob.told(client.ErrorFrame)) == 1 }, patience, 10*time.Millisecond)
	require.EqualValues(t, 1, bob.of(made.ID).Unread)
	require.Empty(t, alice.told(client.Receipt))
}

// What a group may hold and what a direct conversation keeps.
func TestLimitsOfConversations(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	alice := phone(t, w)
	_, err := alice.CreateConversation(t.Context(), chat.Group, strangers(chat.MaxMembers))
	require.Equal(t, chat.CodeTooManyMembers, codeOf(err), "with its creator the 501st")
	full, err := alice.CreateConversation(t.Context(), chat.Group, strangers(chat.MaxMembers-1))
	require.NoError(t, err)
	require.Equal(t, chat.CodeTooManyMembers, codeOf(alice.Members(t.Context(), full.ID, strangers(1), nil)))
	direct, err := alice.CreateConversation(t.Context(), chat.Direct, strangers(1))
	require.NoError(t, err)
	require.Equal(t, chat.CodeBadRequest, codeOf(alice.Members(t.Context(), direct.ID, strangers(1), nil)))
	require.Equal(t, chat.CodeBadRequest, codeOf(alice.Members(t.Context(), direct.ID, nil, []chat.ID{alice.user})))
	_, err = alice.CreateConversation(t.Context(), chat.Direct, strangers(2))
	require.Equal(t, chat.CodeBadRequest, codeOf(err))
}
