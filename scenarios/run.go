package scenarios

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/system/chat"
)

// Options of one run.
type Options struct {
	Seed     uint64
	Size     Size
	Commit   string
	Log      *slog.Logger
	Progress func(Progress) // called a few times a second; nil: nobody watches
	Patience int            // how many times the planned settling time this world gets; 0: once
}

// Run plays one variant in an environment and writes what happened to out. It judges nothing: Judge does, from the
// history alone, now or later.
func Run(ctx context.Context, env Environment, sc Scenario, v Variant, opt Options, out io.Writer) (err error) {
	if err := v.In(env.Name()); err != nil {
		return err
	}
	play := sc.Play(opt.Size)
	if err := shares(play); err != nil {
		return err
	}
	schedule, err := ParseFaults(v, opt.Size)
	if err != nil {
		return err
	}
	if err := openFiles(play); err != nil {
		return err
	}
	topology := sc.Topology
	topology.Gateways = cmp.Or(play.Gateways, topology.Gateways)
	rec := history.NewRecorder(out, history.Config{Log: opt.Log, Header: history.Header{
		Scenario: sc.Name, Variant: v.Name, World: env.Name(), Size: string(opt.Size), Seed: opt.Seed, Commit: opt.Commit,
	}})
	defer func() {
		if cerr := rec.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("write history: %w", cerr)
		}
	}()
	r := &run{play: play, variant: v, opt: opt, rec: rec, schedule: schedule, notify: topology.Pushes > 0, lagging: map[int]bool{}}
	r.sys, err = env.Start(ctx, Spec{
		Topology: topology, Switches: v.Switches, Log: opt.Log,
		PresenceTTL: play.PresenceTTL, Heartbeat: play.Heartbeat, Direct: play.Direct, Notified: r.notified,
	})
	if err != nil {
		return fmt.Errorf("start system: %w", err)
	}
	defer func() {
		if cerr := r.sys.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("stop system: %w", cerr)
		}
	}()
	return r.all(ctx)
}

// notified notes a notification. Devices register their names as tokens.
func (r *run) notified(token, conversation string) {
	if id, err := chat.ParseID(conversation); err == nil {
		r.rec.Record(history.Event{Kind: history.Notified, Device: r.rec.Text(token), Conversation: r.rec.UUID(id)})
	}
}

// ParseFaults reads the schedule of a variant.
func ParseFaults(v Variant, size Size) (chaos.Schedule, error) {
	if v.Faults == nil {
		return nil, nil
	}
	s, err := chaos.Parse(v.Faults(size))
	if err != nil {
		return nil, fmt.Errorf("faults of variant %s: %w", v.Name, err)
	}
	return s, nil
}

// run is one run under way.
type run struct {
	sys      System
	play     Play
	variant  Variant
	opt      Options
	rec      *history.Recorder
	schedule chaos.Schedule
	notify   bool // devices register for push
	fleet    *fleet
	began    time.Time       // of the workload
	sendCtx  context.Context // ends when the run does: a send without an answer by then is unknown
	ops      intentions
	counts   counters
	members  memberships
	lagging  map[int]bool
	read     float64   // from the store, at the last sample
	readAt   time.Time // of that
}

func (r *run) all(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := chaos.Playable(r.schedule, r.sys, r.lab()); err != nil {
		return fmt.Errorf("faults of variant %s: %w", r.variant.Name, err)
	}
	f, err := newFleet(ctx, r)
	if err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	r.fleet = f
	defer func() {
		if serr := f.stop(); err == nil && serr != nil {
			err = fmt.Errorf("stop devices: %w", serr)
		}
	}()
	var stopSends context.CancelFunc
	r.sendCtx, stopSends = context.WithCancel(ctx)
	defer stopSends()
	stopSampling := r.sample(ctx)
	defer stopSampling()
	if err := r.workAndFaults(ctx); err != nil {
		return err
	}
	r.settle(ctx)
	stopSampling()
	stopSends()
	r.rec.Record(history.Event{Kind: history.Phase, Text: r.rec.Text("end")})
	r.quiesce(ctx)
	return r.readBack(ctx)
}

// workAndFaults plays the workload while the schedule of faults runs beside it.
func (r *run) workAndFaults(ctx context.Context) error {
	r.began = time.Now()
	faults := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { faults <- chaos.Run(ctx, r.schedule, r.sys, r.lab()) }()
	r.fleet.running.Go(func() { r.measureTrip(ctx) })
	err := r.work(ctx)
	cancel() // undoes what is still open
	if ferr := <-faults; err == nil && ferr != nil {
		err = fmt.Errorf("run faults: %w", ferr)
	}
	return err
}
