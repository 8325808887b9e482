package scenarios

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/client"
)

// counters are what the progress line and the end of settling need.
type counters struct {
	sends, acks, others, raws, shows atomic.Int64
	owed                             atomic.Int64 // shows of what was acknowledged, one by each member
	lag                              atomic.Int64
	phase                            atomic.Pointer[string]
}

func (r *run) count(k client.Kind) {
	switch k {
	case client.Attempt:
		r.counts.sends.Add(1)
	case client.Acked:
		r.counts.acks.Add(1)
	case client.Refused, client.Unknown, client.Unsent:
		r.counts.others.Add(1)
	case client.Raw:
		r.counts.raws.Add(1)
	case client.Shown:
		r.counts.shows.Add(1)
	}
}

// work invokes each send at its intended time, whatever became of those before: the load does not soften because the
// system struggles.
func (r *run) work(ctx context.Context) error {
	gen, err := workload.New(r.play.Plan, r.opt.Seed)
	if err != nil {
		return fmt.Errorf("make workload: %w", err)
	}
	stopPhases := r.phases(ctx)
	defer stopPhases()
	r.fleet.running.Go(func() { r.changeMembers(ctx) })
	r.fleet.running.Go(func() { r.readAlong(ctx) })
	r.fleet.running.Go(func() { r.openChats(ctx) })
	r.absences(r.sendCtx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for number := 0; ; number++ {
		op, ok := gen.Next()
		at := r.began.Add(r.play.Plan.Length)
		if ok {
			at = r.began.Add(op.At)
		}
		timer.Reset(time.Until(at))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if !ok {
			return nil
		}
		d, conv := r.fleet.devices[op.Sender], &r.fleet.convs[op.Conversation]
		r.fleet.running.Go(func() {
			if d.send(r.sendCtx, number, intended{at}, conv.id, op.Bytes) {
				r.counts.owed.Add(int64(len(conv.Members)))
			}
		})
	}
}

// phases records where each phase begins.
func (r *run) phases(ctx context.Context) (stop func()) {
	var timers []*time.Timer
	at := time.Duration(0)
	for _, p := range []struct {
		name   string
		length time.Duration
	}{{"steady", r.play.Steady}, {"fault", r.play.Fault}, {"recovery", r.play.Recovery}} {
		timers = append(timers, time.AfterFunc(at, func() { r.enter(p.name) }))
		at += p.length
	}
	return func() {
		for _, t := range timers {
			t.Stop()
		}
	}
}

func (r *run) enter(phase string) {
	r.counts.phase.Store(&phase)
	r.rec.Record(history.Event{Kind: history.Phase, Text: r.rec.Text(phase)})
}

// lab is what faults wait for, and where they leave their trace.
func (r *run) lab() chaos.Lab {
	return chaos.Lab{Observe: r.observeFault, Gauges: map[string]func(context.Context) (float64, error){
		"lag": func(ctx context.Context) (float64, error) {
			lag, err := r.sys.Lag(ctx)
			return float64(most(lag)), err
		},
		"sends":       func(context.Context) (float64, error) { return float64(r.counts.sends.Load()), nil },
		"connections": func(context.Context) (float64, error) { return float64(r.fleet.up()), nil },
	}}
}

func (r *run) observeFault(e chaos.Event) {
	kind := history.FaultBegun
	switch e.Kind {
	case chaos.Ended:
		kind = history.FaultEnded
	case chaos.Healed:
		kind = history.FaultHealed
	case chaos.Refused, chaos.Noted:
		kind = history.Note
	}
	r.rec.Record(history.Event{Kind: kind, Text: r.rec.Text(e.Text)})
}

// settle waits until everything has arrived, and no longer than the play says: what is not there then is damage.
func (r *run) settle(ctx context.Context) {
	r.enter("settle")
	deadline := time.NewTimer(r.patience())
	defer deadline.Stop()
	tick := time.NewTicker(settleTick)
	defer tick.Stop()
	quiet, shown := time.Duration(0), int64(-1)
	for quiet < r.calm() {
		select {
		case <-deadline.C:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c := &r.counts
		done := c.acks.Load()+c.others.Load() == c.sends.Load() && c.lag.Load() == 0 && c.shows.Load() == shown && r.fleet.allUp()
		if quiet += settleTick; !done {
			quiet = 0
		}
		shown = c.shows.Load()
	}
}

// patience is how long what is still on its way may take in this world.
func (r *run) patience() time.Duration {
	within := r.play.Settle
	if r.variant.Settle != nil {
		within = r.variant.Settle(r.opt.Size)
	}
	return within * time.Duration(max(1, r.opt.Patience))
}

const settleTick = 250 * time.Millisecond

// calm is for how long nothing must change before a run is settled: two seconds where everything was shown, which is
// longer than any heartbeat that follows a reconnect. A push that found nobody is made good by the next heartbeat, so
// where something is missing that must have had its time, too.
func (r *run) calm() time.Duration {
	const calm = 2 * time.Second
	if r.counts.shows.Load() >= r.counts.owed.Load() {
		return calm
	}
	return cmp.Or(r.play.Heartbeat, 30*time.Second) + calm
}

func (f *fleet) allUp() bool { return f.up() == len(f.devices) }

// up is how many devices are connected.
func (f *fleet) up() (n int) {
	for _, d := range f.devices {
		if d.up.Load() || d.away.Load() {
			n++
		}
	}
	return n
}
