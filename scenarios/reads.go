package scenarios

import (
	"context"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/system/client"
)

const (
	readEvery  = 3 * time.Second        // how often a user looks at a device
	readWithin = 100 * time.Millisecond // for a device that has just lost its connection
)

// readAlong has users read what their devices show, one after the other, so that the load is even.
func (r *run) readAlong(ctx context.Context) {
	if !r.variant.Switches.Receipts {
		return
	}
	tick := time.NewTicker(readEvery / time.Duration(len(r.fleet.devices)))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.fleet.devices[i%len(r.fleet.devices)].read(ctx)
		}
	}
}

// readAll has every user who is there read what there is.
func (f *fleet) readAll(ctx context.Context) {
	if !f.run.variant.Switches.Receipts {
		return
	}
	for u, d := range f.devices {
		if !f.run.play.Plan.Away(u) {
			d.read(ctx)
		}
	}
}

// read says of each conversation that its user has read what the device shows. It is noted before the system hears of it.
func (d *device) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	rec := d.fleet.run.rec
	for _, at := range d.phone.Positions() {
		if !d.up.Load() || d.readTo[at.ConversationID] == at {
			continue
		}
		mark := history.Event{Kind: history.MarkedRead, Device: d.id, Conversation: rec.UUID(at.ConversationID), Seq: at.Seq}
		rec.Record(mark)
		if d.phone.Read(ctx, at.ConversationID, at) == nil { // else the next turn says it again
			d.readTo[at.ConversationID] = at
			mark.Kind = history.ReadTaken
			rec.Record(mark)
		}
	}
}

// recordReceipts notes what a device is told of each place.
func (r *run) recordReceipts(e client.Event, h history.Event) {
	h.Kind, h.Count = history.Receipt, int64(e.Members)
	for _, p := range e.Receipts {
		h.Seq, h.Delivered, h.ReadBy = p.Seq, int32(p.Delivered), int32(p.Read)
		r.rec.Record(h)
	}
}
