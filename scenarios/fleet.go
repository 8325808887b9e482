package scenarios

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/load"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

// fleet is all devices of a run and the conversations between them.
type fleet struct {
	run     *run
	http    *http.Client
	own     []*http.Client // of devices whose traffic is counted
	devices []*device
	convs   []conversation
	loads   []*load.Process // that hold the phones; none: this process does
	ctx     context.Context // of all devices
	stopRun context.CancelFunc
	running sync.WaitGroup
}

// conversation is one of the plan's, as the system made it.
type conversation struct {
	workload.Conversation
	id chat.ID
}

// connectWithin and connectEach bound how long the fleet may take to connect, and connectAtOnce how many do so together.
const (
	connectWithin = 60 * time.Second
	connectEach   = 20 * time.Millisecond
	connectAtOnce = 32
	// Thousands take minutes, and as many as the machine can work on are the fastest: more would only wait for each other, and
	// the system's deadlines would pass while they do.
	thousandsAtOnce = 4
)

// newFleet makes the users' devices, connects them all and makes their conversations.
func newFleet(ctx context.Context, r *run) (*fleet, error) {
	f := &fleet{run: r, http: client.NewHTTP(r.sys.Network(), nil)}
	seeds := rand.New(rand.NewPCG(r.opt.Seed, 0xF1EE7))
	users := make([]chat.ID, r.play.Plan.Users)
	for i := range users {
		users[i] = chat.NewID()
		d, err := newDevice(f, i, users[i], rand.New(rand.NewPCG(seeds.Uint64(), seeds.Uint64())))
		if err != nil {
			return nil, err
		}
		f.devices = append(f.devices, d)
	}
	if err := f.makeConversations(ctx, users); err != nil {
		return nil, err
	}
	if err := f.watch(); err != nil {
		return nil, err
	}
	f.ctx, f.stopRun = context.WithCancel(context.WithoutCancel(ctx))
	err := f.moveOut()
	if err == nil {
		err = f.begin(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, f.stop())
	}
	return f, nil
}

// begin connects all devices that are there when the workload begins. What is past happens before, while the others are
// away.
func (f *fleet) begin(ctx context.Context) error {
	past := len(f.run.play.Plan.Past) > 0
	if past {
		if err := f.writePast(ctx, false); err != nil {
			return fmt.Errorf("write what everybody has seen: %w", err)
		}
	}
	if err := f.goAway(ctx); err != nil {
		return err
	}
	if past {
		if err := f.writePast(ctx, true); err != nil {
			return fmt.Errorf("write what was missed: %w", err)
		}
	}
	if err := f.connectAll(ctx, past); err != nil || !past {
		return err
	}
	f.readAll(ctx)
	return f.rest(ctx)
}

func (f *fleet) makeConversations(ctx context.Context, users []chat.ID) error {
	made := map[string]chat.ID{}
	for _, c := range f.run.play.Plan.Conversations {
		members := make([]chat.ID, len(c.Members))
		for i, m := range c.Members {
			members[i] = users[m]
		}
		id, err := f.makeWhere(ctx, c, members, made)
		if err != nil {
			return fmt.Errorf("make conversation %s: %w", c.Name, err)
		}
		made[c.Name] = id
		f.convs = append(f.convs, conversation{c, id})
		f.recordConversation(c, id)
	}
	return nil
}

// makeWhere makes a conversation again and again until the partitioner puts it where the plan wants it. Each has one
// chance in as many as there are partitions, so that a thousand attempts are enough for sure.
func (f *fleet) makeWhere(ctx context.Context, c workload.Conversation, members []chat.ID, made map[string]chat.ID) (chat.ID, error) {
	part := f.run.sys.PartitionOf
	for range 1000 {
		got, err := f.devices[c.Members[0]].client.CreateConversation(ctx, c.Kind, members)
		if err != nil {
			return chat.ID{}, err
		}
		same, other := made[c.SamePartitionAs], made[c.OtherPartitionThan]
		if (c.SamePartitionAs == "" || part(got.ID) == part(same)) && (c.OtherPartitionThan == "" || part(got.ID) != part(other)) {
			return got.ID, nil
		}
	}
	return chat.ID{}, fmt.Errorf("no id fell into the wanted partition")
}

func (f *fleet) recordConversation(c workload.Conversation, id chat.ID) {
	rec := f.run.rec
	conv := rec.Alias(id, c.Name)
	rec.Record(history.Event{Kind: history.Conversation, Conversation: conv, Label: rec.Text(cmp.Or(c.Label, c.Name)), Text: rec.Text(c.Kind)})
	for _, m := range c.Members {
		rec.Record(history.Event{Kind: history.Joined, Conversation: conv, User: f.devices[m].user, Seq: 1})
	}
}

// connectAll connects the devices that are not away. If there is a past, they get it before anything else happens.
func (f *fleet) connectAll(ctx context.Context, past bool) error {
	within := connectWithin + time.Duration(len(f.devices))*connectEach
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	g, gctx := errgroup.WithContext(ctx)
	if g.SetLimit(connectAtOnce); len(f.loads) > 0 {
		g.SetLimit(thousandsAtOnce)
	}
	for u, d := range f.devices {
		if f.run.play.Plan.Away(u) {
			continue
		}
		g.Go(func() error {
			err := f.connect(gctx, d)
			if err == nil && past {
				err = d.client.Sync(gctx)
			}
			return err
		})
	}
	err := g.Wait()
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("%d of %d devices are connected after %s, the others found no time: use a smaller size or more cores: %w", f.up(), len(f.devices), within, err)
	}
	return err
}

func (f *fleet) connect(ctx context.Context, d *device) error {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	if err := f.registerPush(ctx, d); err != nil {
		return err
	}
	d.start(f.ctx)
	select {
	case <-d.resumed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("device %s did not connect within %s: %s", d.name, connectWithin, d.lastTrouble())
	}
}

// registerPush lets the device take notifications, if anybody sends any. Many devices do this at once, so that a refusal by
// a system that has just begun is tried again.
func (f *fleet) registerPush(ctx context.Context, d *device) error {
	if !f.run.notify {
		return nil
	}
	for {
		err := d.client.RegisterPush(ctx, "fcm", d.name)
		if err == nil || !client.Retryable(chat.AsError(err).Code) || !sleep(ctx, 100*time.Millisecond) {
			return err
		}
	}
}

func (f *fleet) stop() error {
	f.stopRun()
	f.running.Wait()
	for _, h := range append(f.own, f.http) {
		h.CloseIdleConnections()
	}
	var failed []error
	for _, p := range f.loads {
		failed = append(failed, p.Close())
	}
	return errors.Join(failed...)
}
