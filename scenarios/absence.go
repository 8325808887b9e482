package scenarios

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
	"github.com/chatlab/chatlab/system/transport"
)

// storeReads is the message pods' counter.
const storeReads = "chat_store_reads_total"

// absence is what a device knows of its own coming and going.
type absence struct {
	stop    context.CancelFunc // ends the device's Run
	gone    chan struct{}      // closed when it has ended
	away    atomic.Bool        // by its own wish
	ended   atomic.Int32       // the close code of the last connection
	screens atomic.Int64       // first screens that it showed
	bytes   traffic
	counted bool // bytes are
}

// start connects the device until ctx ends or it leaves.
func (d *device) start(ctx context.Context) {
	ctx, d.stop = context.WithCancel(ctx)
	gone := make(chan struct{})
	d.gone = gone
	d.away.Store(false)
	d.fleet.running.Go(func() { defer close(gone); d.live(ctx) })
}

// leave ends the connection as an app that is closed, and returns when it has ended. That of one without a connection is
// noted too: nobody has to wait for its return.
func (d *device) leave() {
	d.away.Store(true)
	d.stop()
	<-d.gone
	if chat.CloseCode(d.ended.Load()) != chat.CloseNormal {
		rec := d.fleet.run.rec
		rec.Record(history.Event{Kind: history.Disconnected, Device: d.id, CloseCode: int32(chat.CloseNormal), Text: rec.Text("closed without a connection")})
	}
}

// goAway has those devices get what there is, read it, and leave, that are away when the workload begins.
func (f *fleet) goAway(ctx context.Context) error {
	for u, d := range f.devices {
		if !f.run.play.Plan.Away(u) {
			continue
		}
		if err := f.connect(ctx, d); err != nil {
			return err
		}
		if err := f.settleIn(ctx, d); err != nil {
			return err
		}
		d.leave()
	}
	return nil
}

// settleIn waits until a device has all that there is, and reads it.
func (f *fleet) settleIn(ctx context.Context, d *device) error {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	if err := d.client.Sync(ctx); err != nil {
		return fmt.Errorf("device %s did not catch up before it left: %w", d.name, err)
	}
	if !f.run.variant.Switches.Receipts {
		return nil
	}
	for _, p := range d.client.Positions() {
		if p.Seq == 0 {
			continue // without a seq nothing is counted as unread
		}
		rec := f.run.rec
		mark := history.Event{Kind: history.MarkedRead, Device: d.id, Conversation: rec.UUID(p.ConversationID), Seq: p.Seq}
		rec.Record(mark)
		d.readTo[p.ConversationID] = p
		if err := d.client.ReadUpTo(ctx, p.ConversationID, p.Seq); err != nil {
			return fmt.Errorf("device %s did not read before it left: %w", d.name, err)
		}
		mark.Kind = history.ReadTaken
		rec.Record(mark)
	}
	return nil
}

// absences lets devices leave and come back at the plan's times.
func (r *run) absences(ctx context.Context) {
	for _, a := range r.play.Plan.Absences {
		r.fleet.running.Go(func() {
			d := r.fleet.devices[a.User]
			if a.From > 0 {
				if !sleep(ctx, time.Until(r.began.Add(a.From))) {
					return
				}
				d.leave()
			}
			if a.To > 0 && sleep(ctx, time.Until(r.began.Add(a.To))) {
				r.comeBack(ctx, d)
			}
		})
	}
}

// comeBack connects a device and notes what its first screen and all that it missed cost.
func (r *run) comeBack(ctx context.Context, d *device) {
	screens := d.screens.Load()
	r.markReads(ctx, measure.MomentReturn)
	d.bytes.record(r, measure.MomentReturn)
	d.start(r.fleet.ctx)
	if r.variant.Switches.Sync == chat.SyncNewest {
		if !until(ctx, func() bool { return d.screens.Load() > screens }) {
			return
		}
		r.markReads(ctx, measure.MomentScreen)
	}
	if until(ctx, func() bool { return d.up.Load() && d.client.Lacking() == 0 }) {
		d.bytes.record(r, measure.MomentSynced)
		r.markReads(ctx, measure.MomentSynced)
	}
}

func until(ctx context.Context, done func() bool) bool {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// markReads notes how much the message pods have read from the store so far, by the call that it was for.
func (r *run) markReads(ctx context.Context, moment string) {
	reads, err := r.sys.Totals(ctx, "message", storeReads, "call")
	if err != nil {
		r.opt.Log.Warn("store reads not counted", "error", err)
		return
	}
	for call, n := range reads {
		r.metric(measure.StoreReads, moment+": "+call, n, "reads")
	}
}

// recordScreen notes a first screen: the conversations on it, the newest first, and the messages.
func (d *device) recordScreen(e client.Event, h history.Event) {
	rec := d.fleet.run.rec
	if d.counted {
		d.bytes.record(d.fleet.run, measure.MomentScreen)
	}
	for _, g := range e.Screen {
		conv := rec.UUID(g.ConversationID)
		rec.Record(history.Event{At: h.At, Kind: history.Listed, Device: d.id, Conversation: conv, Seq: g.LastSeq, Count: g.Unread})
		for _, m := range g.Messages {
			glimpse := d.fleet.run.sighting(history.Glimpsed, conv, m)
			glimpse.At, glimpse.Device = h.At, d.id
			rec.Record(glimpse)
		}
	}
	rec.Record(history.Event{At: h.At, Kind: history.Screen, Device: d.id, Count: int64(len(e.Screen))})
	d.screens.Add(1)
}

// traffic counts the bytes on a device's connections.
type traffic struct{ in, out atomic.Int64 }

func (t *traffic) record(r *run, moment string) {
	r.metric(measure.DeviceBytes, moment+": in", float64(t.in.Load()), "bytes")
	r.metric(measure.DeviceBytes, moment+": out", float64(t.out.Load()), "bytes")
}

// over returns a network of which every connection is counted.
func (t *traffic) over(n transport.Network) transport.Network {
	return transport.Network{DialFunc: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := n.Dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return countedConn{c, t}, nil
	}}
}

type countedConn struct {
	net.Conn
	t *traffic
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.t.in.Add(int64(n))
	return n, err
}

func (c countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.t.out.Add(int64(n))
	return n, err
}

// comesBack says whether a user's device is one whose return is measured.
func comesBack(p workload.Plan, user int) bool {
	for _, a := range p.Absences {
		if a.User == user && a.To > 0 {
			return true
		}
	}
	return false
}
