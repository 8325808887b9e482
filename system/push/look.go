package push

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/chat"
)

// look judges the holds that are due: presence of all of them in one lookup, then what was delivered to those of whom
// that matters.
func (w *partition) look(ctx context.Context) {
	now := w.cfg.Now()
	holds := w.ledger.due(now, maxLooks)
	if len(holds) == 0 {
		return
	}
	online := w.online(ctx, holds)
	byConv := map[chat.ID][]*hold{}
	for _, h := range holds {
		if w.ledger.seen(h, online(h.user), now) {
			byConv[h.conv] = append(byConv[h.conv], h)
		}
	}
	delivered := w.delivered(ctx, byConv)
	for conv, holds := range byConv {
		places, known := delivered[conv]
		for _, h := range holds {
			if !known {
				w.ledger.lookAt(h, now.Add(storeWait))
				continue
			}
			w.judge(ctx, h, places[h.user], now)
		}
	}
}

func (w *partition) judge(ctx context.Context, h *hold, delivered chat.Position, now time.Time) {
	v := w.ledger.decide(h, delivered, now)
	switch v {
	case waits:
		return
	case tell:
		if !w.begin(ctx, h, now) {
			w.ledger.again(h, now.Add(busyWait))
			return
		}
	case tooLate:
		w.cfg.Logger.Error("give up notifications that no provider took", "user_id", h.user, "conversation_id", h.conv, "after", w.times.giveUp)
	}
	w.metrics.decisions.WithLabelValues(string(v)).Inc()
}

// online asks presence once for all. When it does not answer, or has come back empty and is younger than its TTL,
// everybody looks online: then receipts decide, later.
func (w *partition) online(ctx context.Context, holds []*hold) func(chat.ID) bool {
	seen := make(map[chat.ID]bool, len(holds))
	users := make([]chat.ID, 0, len(holds))
	for _, h := range holds {
		if !seen[h.user] {
			seen[h.user] = true
			users = append(users, h.user)
		}
	}
	found, err := w.cfg.Presence.Find(ctx, users)
	if err != nil {
		if ctx.Err() == nil {
			w.cfg.Logger.Warn("look up presence", "users", len(users), "error", err)
		}
		return func(chat.ID) bool { return true }
	}
	return func(u chat.ID) bool {
		return !blind(w.cfg.Switches.Mutant) && (w.cfg.Switches.Doubt && !found.Whole || len(found.Devices[u]) > 0)
	}
}

// cursorReads bounds the conversations whose cursors are read at once.
const cursorReads = 16

// delivered reads the newest place that each user has received, by conversation. One that cannot be read is missing.
func (w *partition) delivered(ctx context.Context, byConv map[chat.ID][]*hold) map[chat.ID]map[chat.ID]chat.Position {
	out := make(map[chat.ID]map[chat.ID]chat.Position, len(byConv))
	answers := make(chan func(), len(byConv))
	var g errgroup.Group
	g.SetLimit(cursorReads)
	for conv, holds := range byConv {
		g.Go(func() error {
			cursors, err := w.cursors(ctx, conv, holds)
			if err != nil {
				if ctx.Err() == nil {
					w.cfg.Logger.Warn("read cursors", "conversation_id", conv, "error", err)
				}
				return nil
			}
			answers <- func() { out[conv] = newestOf(cursors) }
			return nil
		})
	}
	_ = g.Wait() // each answers for itself
	close(answers)
	for put := range answers {
		put()
	}
	return out
}

// cursors reads one user's, or where several wait those of the whole conversation.
func (w *partition) cursors(ctx context.Context, conv chat.ID, holds []*hold) ([]chat.Cursor, error) {
	if len(holds) == 1 {
		return w.cfg.Store.UserCursors(ctx, conv, holds[0].user)
	}
	return w.cfg.Store.Cursors(ctx, conv)
}

// newestOf takes each user's device that has come furthest. Whoever has read has received.
func newestOf(cursors []chat.Cursor) map[chat.ID]chat.Position {
	out := map[chat.ID]chat.Position{}
	for _, c := range cursors {
		best, ok := out[c.User]
		if !ok || !covers(best, chat.Place{Seq: c.Seq, Timestamp: c.Timestamp}) {
			out[c.User] = c.Position
		}
	}
	return out
}
