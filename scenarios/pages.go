package scenarios

import (
	"context"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/system/client"
)

const (
	newestPage = 20          // messages
	openEvery  = time.Second // how often somebody opens a conversation
)

// openChats has members open conversations, one after the other: what they read fills the cache, so that it can go stale. Where
// somebody comes back to a past, it is that one's reads that are counted, and nobody else reads.
func (r *run) openChats(ctx context.Context) {
	if len(r.play.Plan.Past) > 0 {
		return
	}
	tick := time.NewTicker(openEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c := r.fleet.convs[i%len(r.fleet.convs)]
		d := r.fleet.devices[c.Members[i/len(r.fleet.convs)%len(c.Members)]]
		_, _, _ = d.client.History(ctx, c.id, client.Range{Limit: newestPage}) // what it is told is judged at the end
	}
}

// readNewestPage records what a member sees who opens a conversation at the end.
func (r *run) readNewestPage(ctx context.Context, d *device, c conversation) error {
	page, _, err := d.readPage(ctx, c, client.Range{Limit: newestPage})
	if err != nil {
		return err
	}
	conv := r.rec.UUID(c.id)
	for _, m := range page {
		h := r.sighting(history.Paged, conv, m)
		h.Device = d.id
		r.rec.Record(h)
	}
	r.rec.Record(history.Event{Kind: history.PageRead, Device: d.id, Conversation: conv, Count: int64(len(page))})
	return nil
}
