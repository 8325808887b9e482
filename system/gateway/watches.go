package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// maxWatches bounds the pairs of a session and a user whom it watches, to about 100 MB in all.
const maxWatches = 1_000_000

// watches knows which sessions watch whom, and what they were told.
type watches struct {
	mu    sync.Mutex
	of    map[chat.ID]*watched
	pairs int
	some  chan struct{} // somebody is watched

	changes prometheus.Counter
	mutant  string // chat.Switches.Mutant
}

// watched is a user whom sessions of this gateway watch, asked for once for all of them.
type watched struct {
	by     []*session
	owed   []*session // of these, those who were told nothing yet
	state  presenceState
	asking time.Duration // clock at which the question was asked that state answers
}

type presenceState int8

const (
	unknown presenceState = iota
	offline
	online
)

func (w *watches) init(r prometheus.Registerer, mutant string) {
	w.of, w.some, w.mutant = map[chat.ID]*watched{}, make(chan struct{}, 1), mutant
	w.changes = prometheus.NewCounter(prometheus.CounterOpts{Name: "chat_gateway_presence_changes_total", Help: "Watched users who came online or went offline."})
	r.MustRegister(w.changes, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chat_gateway_watched_users", Help: "Users whose presence sessions here watch."}, w.users))
}

// begin ends what the session's subscription before still tries. The context of the new one ends with the next, or with
// the session.
func (w *watches) begin(ctx context.Context, s *session) (context.Context, context.CancelFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.giveUp(s)
	ctx, s.outdate = context.WithCancel(ctx)
	if s.ended() { // forget may have come already
		s.outdate()
	}
	return ctx, s.outdate
}

func (w *watches) giveUp(s *session) {
	if s.outdate != nil {
		s.outdate()
	}
}

// replace makes a session watch these users instead of those before, or says that the gateway can hold no more. A
// subscription that has ended changes nothing.
func (w *watches) replace(ctx context.Context, s *session, users []chat.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil || s.ended() { // forget has come or will come
		return true
	}
	if w.pairs-len(s.watching)+len(users) > maxWatches {
		return false
	}
	w.drop(s)
	s.watching = users
	for _, u := range users {
		at := w.of[u]
		if at == nil {
			at = &watched{}
			w.of[u] = at
		}
		at.by, at.owed = append(at.by, s), append(at.owed, s)
	}
	if w.pairs += len(users); w.pairs > 0 {
		signal(w.some)
	}
	return true
}

// forget is for a session that has ended.
func (w *watches) forget(s *session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.giveUp(s)
	w.drop(s)
}

func (w *watches) drop(s *session) {
	for _, u := range s.watching {
		at := w.of[u]
		at.by, at.owed = without(at.by, s), without(at.owed, s)
		if len(at.by) == 0 {
			delete(w.of, u)
		}
	}
	w.pairs -= len(s.watching)
	s.watching = nil
}

func without(sessions []*session, s *session) []*session {
	i := slices.Index(sessions, s)
	if i < 0 {
		return sessions
	}
	last := len(sessions) - 1
	sessions[i], sessions[last] = sessions[last], nil
	return sessions[:last]
}

// all are the users who are watched.
func (w *watches) all() []chat.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	users := make([]chat.ID, 0, len(w.of))
	for u := range w.of {
		users = append(users, u)
	}
	return users
}

// learn takes an answer to a question that was asked at a moment, and tells the sessions that watch somebody whose
// state is new, and those who were told nothing of the user yet. An answer to an older question than the one that is known
// changes nothing.
func (w *watches) learn(users []chat.ID, isOnline map[chat.ID]bool, asked time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	news := map[*session][]wire.UserPresence{}
	for _, u := range users {
		at := w.of[u]
		if at == nil {
			continue
		}
		to := at.owed
		if before := at.state; at.learn(w.defect(at, isOnline[u]), asked) {
			w.changes.Inc()
			to = w.audience(at, before)
		}
		at.owed = nil
		for _, s := range to {
			news[s] = append(news[s], at.presence(u))
		}
	}
	for s, list := range news {
		s.answer(wire.ServerFrame{Type: wire.TypePresence, Presence: list})
	}
}

// learn says whether the answer is news.
func (at *watched) learn(isOnline bool, asked time.Duration) bool {
	if asked < at.asking {
		return false
	}
	before := at.state
	at.asking, at.state = asked, offline
	if isOnline {
		at.state = online
	}
	return at.state != before
}

func (at *watched) presence(user chat.ID) wire.UserPresence {
	return wire.UserPresence{UserID: user, Online: at.state == online}
}

func (w *watches) users() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return float64(len(w.of))
}
