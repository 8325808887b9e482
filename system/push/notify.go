package push

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire"
)

// result is what became of a hold's notification.
type result struct {
	hold  *hold
	taken map[string]chat.ID // devices whose provider took it
	retry bool
	asked bool          // a provider was asked, and the attempt counts
	after time.Duration // when to repeat at the earliest
}

// begin starts a notification; false: enough are under way.
func (w *partition) begin(ctx context.Context, h *hold, now time.Time) bool {
	select {
	case w.Role.jobs <- struct{}{}:
	default:
		return false
	}
	n, oldest := h.notification(), h.waiting[0].sentAt
	if h.attempts == 0 {
		w.metrics.delay.Observe(now.Sub(oldest).Seconds())
	}
	job := job{Role: w.Role, n: n, retry: h.attempts > 0, taken: h.taken}
	record := kafka.Record{Offset: h.waiting[0].offset, Time: oldest, Key: wire.Record{ConversationID: h.conv}.Key()}
	w.jobs.Go(func() {
		defer func() { <-w.Role.jobs }()
		r := w.guarded(ctx, job, record)
		r.hold = h
		select {
		case w.results <- r:
		case <-ctx.Done():
		}
	})
	return true
}

// guarded runs a job. One that panics is not repeated: its letter names the record by its place and has no value.
func (w *partition) guarded(ctx context.Context, j job, record kafka.Record) (r result) {
	err := deadletter.Guard(func() (err error) {
		r, err = j.run(ctx)
		return err
	})
	if err != nil && w.letters.PassOver(ctx, wire.TopicMessages, w.p.ID, record, err) != nil {
		return result{retry: true}
	}
	return r
}

func (w *partition) finish(r result) {
	h, now := r.hold, w.cfg.Now()
	if !r.retry {
		w.ledger.told(h, now, len(r.taken) > 0)
		return
	}
	h.taken = r.taken
	pause := resilience.Provider.Policy().Backoff
	wait := pause.First
	if r.asked {
		h.attempts++
		wait = min(pause.First<<min(h.attempts-1, 10), pause.Max)
	}
	wait = wait/2 + rand.N(wait/2+1) // spread, or all who failed together come back together
	w.ledger.again(h, now.Add(max(wait, r.after)))
}

// job notifies one user's devices.
type job struct {
	*Role
	n     Notification
	retry bool
	taken map[string]chat.ID
}

func (j job) run(ctx context.Context) (result, error) {
	devices, err := j.cfg.Store.Devices(ctx, j.n.User)
	if err == nil && len(devices) > 0 {
		var may bool
		if may, err = j.maySee(ctx); err == nil && !may {
			devices = nil
		}
	}
	if err != nil {
		if ctx.Err() == nil {
			j.cfg.Logger.Warn("prepare notification", "user_id", j.n.User, "error", err)
		}
		return result{taken: j.taken, retry: true, after: storeWait}, nil
	}
	return j.sendAll(ctx, j.shy(devices))
}

// maySee looks up, just before anything leaves, whether the user may see the place that the notification is about.
func (j job) maySee(ctx context.Context) (bool, error) {
	m, err := j.cfg.Store.Membership(ctx, j.n.User, j.n.Conversation)
	switch {
	case err != nil && chat.AsError(err).Code == chat.CodeNotMember:
		return false, nil
	case err != nil:
		return false, err
	case j.n.Place.Seq == 0: // a write path without seqs: who is a member now
		return m.LeftSeq == 0, nil
	}
	return m.Sees(j.n.Place.Seq), nil
}

func (j job) sendAll(ctx context.Context, devices []chat.PushDevice) (result, error) {
	answers := make([]answer, len(devices))
	var g errgroup.Group
	for i, d := range devices {
		if j.taken[d.Device] == j.n.Place.Timestamp {
			answers[i] = answer{outcome: sent}
			continue
		}
		g.Go(func() error {
			return deadletter.Guard(func() error { answers[i] = j.send(ctx, d); return nil })
		})
	}
	if err := g.Wait(); err != nil { // it panicked; else answers say it
		return result{}, err
	}
	r := result{taken: map[string]chat.ID{}}
	for i, a := range answers {
		switch {
		case a.outcome == sent:
			r.taken[devices[i].Device] = j.n.Place.Timestamp
		case !a.final():
			r.retry, r.asked, r.after = true, r.asked || a.asked(), max(r.after, a.after)
		}
	}
	return r, nil
}

func (j job) send(ctx context.Context, d chat.PushDevice) answer {
	o, ok := j.outlets[d.Provider]
	if !ok {
		j.metrics.notifications.WithLabelValues(d.Provider, string(noProvider)).Inc()
		return answer{outcome: noProvider}
	}
	a := o.send(ctx, d, j.n, j.retry)
	switch {
	case a.outcome == dead:
		if err := j.remove(ctx, d); err != nil && ctx.Err() == nil {
			j.cfg.Logger.Warn("remove dead device token", "user_id", d.User, "device", d.Device, "error", err)
		}
	case a.outcome != sent && a.asked() && ctx.Err() == nil:
		j.cfg.Logger.Warn("notify device", "provider", d.Provider, "user_id", d.User, "device", d.Device, "outcome", string(a.outcome), "reason", a.reason)
	}
	return a
}

// remove forgets a dead token, unless the device has registered another one meanwhile.
func (j job) remove(ctx context.Context, d chat.PushDevice) error {
	devices, err := j.cfg.Store.Devices(ctx, d.User)
	if err != nil {
		return err
	}
	for _, now := range devices {
		if now != d {
			continue
		}
		if err := j.cfg.Store.DeleteDevice(ctx, d.User, d.Device); err != nil {
			return fmt.Errorf("after its provider refused it: %w", err)
		}
		j.metrics.dead.WithLabelValues(d.Provider).Inc()
	}
	return nil
}
