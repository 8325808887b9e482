package gateway

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire"
)

// social makes everybody but user 9 a contact.
func (w *world) social() {
	w.messages.mu.Lock()
	defer w.messages.mu.Unlock()
	w.messages.contacts = func(users []chat.ID) []chat.ID {
		return slices.DeleteFunc(users, func(u chat.ID) bool { return u == chat.ID{9} })
	}
}

func (w *world) nowOnline(users ...chat.ID) {
	w.presence.mu.Lock()
	defer w.presence.mu.Unlock()
	w.presence.online = users
}

func (d *device) watch(users ...chat.ID) {
	d.say(wire.ClientFrame{Type: wire.TypeSubscribe, Users: users})
}

// hears waits for a presence frame.
func (d *device) hears() map[chat.ID]bool {
	for {
		if f := d.hear(); f.Type == wire.TypePresence {
			out := map[chat.ID]bool{}
			for _, p := range f.Presence {
				out[p.UserID] = p.Online
			}
			return out
		}
	}
}

func TestSubscribersHearAllAtOnceAndThenChanges(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.social()
		w.nowOnline(chat.ID{2})
		d := w.resume(chat.ID{1}, "phone", 1)
		start := time.Now()
		d.watch(chat.ID{2}, chat.ID{3}, chat.ID{2})
		require.Equal(t, map[chat.ID]bool{{2}: true, {3}: false}, d.hears())
		require.Less(t, time.Since(start), time.Second)

		d.patience = time.Minute
		<-time.After(17 * time.Second) // the pipe buffers nothing: who does not read must not be pinged
		w.nowOnline(chat.ID{3})
		start = time.Now()
		require.Equal(t, map[chat.ID]bool{{2}: false, {3}: true}, d.hears(), "nothing was told while nothing changed")
		require.LessOrEqual(t, time.Since(start), 6*time.Second)

		d.watch(chat.ID{2}, chat.ID{1})
		require.Equal(t, map[chat.ID]bool{{2}: false, {1}: false}, d.hears(), "all of the new set, oneself too")
		w.nowOnline(chat.ID{2})
		require.Equal(t, map[chat.ID]bool{{2}: true}, d.hears(), "3 is watched no more")
	})
}

// What many sessions watch is asked for once, and not at all when nobody does.
func TestTheCostFollowsTheUsersWhoAreWatched(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.social()
		var watched []chat.ID
		for i := range 120 {
			watched = append(watched, chat.ID{100, byte(i)})
		}
		var devices []*device
		for i := range 10 {
			d := w.resume(chat.ID{1, byte(i)}, "phone", 1)
			d.watch(watched...)
			require.Len(t, d.hears(), 120)
			devices = append(devices, d)
		}
		require.EqualValues(t, 120, w.metric("chat_gateway_watched_users"))
		before := len(w.presence.named("online"))
		<-time.After(15 * time.Second)
		require.InDelta(t, 3, len(w.presence.named("online"))-before, 1, "a call an interval")
		for _, d := range devices {
			d.ws.CloseNow()
		}
		synctest.Wait()
		require.Zero(t, w.metric("chat_gateway_watched_users"))
		require.Zero(t, w.g.watches.pairs)
		before = len(w.presence.named("online"))
		<-time.After(time.Hour)
		require.LessOrEqual(t, len(w.presence.named("online")), before+1)
	})
}

// A question that presence does not answer must not make what devices are told an interval older.
func TestAQuestionThatIsNotAnsweredIsAskedAgainSoon(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.social()
		d := w.resume(chat.ID{1}, "phone", 1)
		d.watch(chat.ID{2})
		require.Equal(t, map[chat.ID]bool{{2}: false}, d.hears())
		asked := func() int { return len(w.presence.named("online")) }
		first := asked()

		w.nowOnline(chat.ID{2})
		w.presence.set(errors.New("down"), nil)
		w.await(6*time.Second, func() bool { return asked() > first })
		failed := asked()
		pass(2500 * time.Millisecond)
		require.InDelta(t, failed+2, asked(), 1, "once a second while presence is away")
		w.presence.set(nil, nil)
		start := time.Now()
		require.Equal(t, map[chat.ID]bool{{2}: true}, d.hears())
		require.LessOrEqual(t, time.Since(start), 1100*time.Millisecond)

		after := asked()
		<-time.After(15 * time.Second)
		require.InDelta(t, after+3, asked(), 1, "then at its own pace")
	})
}

func TestStrangersAreCountedAndNotWatched(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.social()
		w.nowOnline(chat.ID{2}, chat.ID{9})
		d := w.resume(chat.ID{1}, "phone", 1)
		d.watch(chat.ID{2}, chat.ID{9})
		f := d.hear()
		require.Equal(t, chat.CodeNotContact, f.Code)
		require.Contains(t, f.Message, "1 of 2")
		require.Equal(t, map[chat.ID]bool{{2}: true}, d.hears())
		d.watch(chat.ID{9})
		require.Equal(t, chat.CodeNotContact, d.hear().Code)
		synctest.Wait()
		require.Zero(t, w.metric("chat_gateway_watched_users"))
	})
}

func TestSubscribingWithoutTheOthers(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.social()
		w.nowOnline(chat.ID{2})
		d := w.resume(chat.ID{1}, "phone", 1)
		w.presence.mu.Lock()
		w.presence.fail = errors.New("down")
		w.presence.mu.Unlock()
		d.watch(chat.ID{2})
		require.Equal(t, wire.TypeError, d.hear().Type)
		<-time.After(8 * time.Second)
		w.presence.mu.Lock()
		w.presence.fail = nil
		w.presence.mu.Unlock()
		d.patience = time.Minute
		require.Equal(t, map[chat.ID]bool{{2}: true}, d.hears(), "as soon as presence is back")

		many := make([]chat.ID, chat.MaxSubscriptions+1)
		d.watch(many...)
		require.Equal(t, chat.CodeBadFrame, d.hear().Code)
	})
}

// Who subscribes while presence is away is told afterwards, also what is no news to those who watched before.
func TestALateSubscriberHearsWhatOthersKnow(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.social()
		w.nowOnline(chat.ID{2})
		early, late := w.resume(chat.ID{1}, "phone", 1), w.resume(chat.ID{3}, "phone", 1)
		early.watch(chat.ID{2})
		require.Equal(t, map[chat.ID]bool{{2}: true}, early.hears())
		w.presence.mu.Lock()
		w.presence.fail = errors.New("down")
		w.presence.mu.Unlock()
		late.watch(chat.ID{2})
		require.Equal(t, wire.TypeError, late.hear().Type)
		w.presence.mu.Lock()
		w.presence.fail = nil
		w.presence.mu.Unlock()
		require.Equal(t, map[chat.ID]bool{{2}: true}, late.hears())
	})
}

// An answer that comes late, to a question asked before one that is answered already, changes nothing.
func TestALateAnswerIsNoNews(t *testing.T) {
	var at watched
	for _, c := range []struct {
		online bool
		asked  time.Duration
		news   bool
		state  presenceState
	}{
		{true, 10, true, online}, {false, 9, false, online}, {true, 11, false, online}, {false, 12, true, offline}, {true, 11, false, offline},
	} {
		require.Equal(t, c.news, at.learn(c.online, c.asked), "%+v", c)
		require.Equal(t, c.state, at.state, "%+v", c)
	}
}

func TestAGatewayWatchesNoMoreThanItCanHold(t *testing.T) {
	w := newWorld(t, nil)
	s := w.g.newSession(ticketOf(chat.ID{1}))
	w.g.watches.mu.Lock()
	w.g.watches.pairs = maxWatches - 2
	w.g.watches.mu.Unlock()
	require.True(t, w.g.watches.replace(t.Context(), s, []chat.ID{{2}, {3}}))
	require.False(t, w.g.watches.replace(t.Context(), s, []chat.ID{{2}, {3}, {4}}))
	require.True(t, w.g.watches.replace(t.Context(), s, []chat.ID{{4}, {5}}), "instead of the former")
	w.g.watches.forget(s)
	require.Equal(t, maxWatches-2, w.g.watches.pairs)
	require.Empty(t, w.g.watches.of)
}

// unsure makes pods say of these users that nobody knows now whether they are contacts; of none: they say of all.
func (w *world) unsure(why error, users ...chat.ID) {
	w.messages.mu.Lock()
	defer w.messages.mu.Unlock()
	w.messages.unknown = func(asked []chat.ID) error {
		if slices.ContainsFunc(asked, func(u chat.ID) bool { return slices.Contains(users, u) }) {
			return why
		}
		return nil
	}
}

// Who subscribes while nobody knows who is a contact is told so once, and hears of them when that is over.
func TestASubscriptionThatFailsIsTriedAgain(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.social()
		w.nowOnline(chat.ID{2})
		w.unsure(refusal(chat.CodeUnavailable), chat.ID{2})
		d := w.resume(chat.ID{1}, "phone", 1)
		d.watch(chat.ID{2}, chat.ID{9})
		require.Equal(t, chat.CodeUnavailable, d.hear().Code)
		const away = 5 * time.Minute
		d.live(away)
		asked := w.messages.questions()
		pause := resilience.GatewayContacts.Policy().Backoff
		require.GreaterOrEqual(t, len(asked), int(away/pause.Max))
		require.LessOrEqual(t, len(asked), 6+int(away/(pause.Max/2)), "seldom")
		for i := range asked[1:] {
			require.GreaterOrEqual(t, asked[i+1].at.Sub(asked[i].at), pause.First/2)
		}
		w.unsure(nil)
		back := time.Now()
		d.patience = time.Minute
		require.Equal(t, chat.CodeNotContact, d.hear().Code, "no more errors of the failure")
		require.Equal(t, map[chat.ID]bool{{2}: true}, d.hears())
		require.LessOrEqual(t, time.Since(back), pause.Max+time.Second)
		settled := len(w.messages.questions())
		d.live(5 * time.Minute)
		require.Len(t, w.messages.questions(), settled, "and then it is done")
	})
}

// A subscription is tried no more when it is another's turn, when its device has gone, and when no time mends it.
func TestTriesOfASubscriptionEnd(t *testing.T) {
	for _, tc := range []struct {
		name string
		why  chat.Code
		end  func(*world, *device)
	}{
		{"a newer one", chat.CodeUnavailable, func(w *world, d *device) {
			d.watch(chat.ID{3})
			require.Equal(w.t, map[chat.ID]bool{{3}: true}, d.hears())
			require.Equal(w.t, []chat.ID{{3}}, w.g.watches.all())
		}},
		{"the session", chat.CodeUnavailable, func(_ *world, d *device) { d.ws.CloseNow() }},
		{"the code", chat.CodeBadRequest, func(*world, *device) {}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, w *world) {
				w.social()
				w.nowOnline(chat.ID{2}, chat.ID{3})
				w.unsure(refusal(tc.why), chat.ID{2})
				d := w.resume(chat.ID{1}, "phone", 1)
				d.watch(chat.ID{2})
				require.Equal(t, tc.why, d.hear().Code)
				tc.end(w, d)
				synctest.Wait()
				tried := len(w.messages.questions())
				pass(15 * time.Second) // who does not read must not be pinged
				require.Len(t, w.messages.questions(), tried)
			})
		})
	}
}

// What pods answer to a subscription after a newer one has come changes nothing, nor does what they answer after the end.
func TestALateAnswerToASubscriptionChangesNothing(t *testing.T) {
	w := newWorld(t, nil)
	s := w.g.newSession(ticketOf(chat.ID{1}))
	old, _ := w.g.watches.begin(t.Context(), s)
	newest, _ := w.g.watches.begin(t.Context(), s)
	require.True(t, w.g.watches.replace(newest, s, []chat.ID{{3}}))
	require.True(t, w.g.watches.replace(old, s, []chat.ID{{2}}))
	require.Equal(t, []chat.ID{{3}}, w.g.watches.all())
	s.out.end(s)
	w.g.watches.forget(s)
	require.Error(t, newest.Err())
	none, _ := w.g.watches.begin(t.Context(), s)
	require.Error(t, none.Err())
}

// A gateway that watches as many users as it can takes a subscription when others have left.
func TestAFullGatewayTriesASubscriptionAgain(t *testing.T) {
	bubble(t, nil, func(t *testing.T, w *world) {
		w.social()
		w.nowOnline(chat.ID{2})
		fill := func(pairs int) {
			w.g.watches.mu.Lock()
			defer w.g.watches.mu.Unlock()
			w.g.watches.pairs += pairs
		}
		fill(maxWatches)
		d := w.resume(chat.ID{1}, "phone", 1)
		d.watch(chat.ID{2})
		require.Equal(t, chat.CodeServerLimit, d.hear().Code)
		synctest.Wait()
		fill(-maxWatches)
		d.patience = 2 * time.Minute
		require.Equal(t, map[chat.ID]bool{{2}: true}, d.hears())
	})
}
