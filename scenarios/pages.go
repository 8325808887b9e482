package scenarios

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/property"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

// newestReads is the message pods' counter, and openCall the call that a device makes which opens a conversation.
const (
	newestReads = "chat_store_newest_reads_total"
	openCall    = "History"
)

const (
	newestPage = 20            // messages
	openEvery  = time.Second   // how often somebody opens a conversation
	crowdEvery = 2 * openEvery // how often a crowd does
)

// openChats has members open conversations, one after the other: what they read fills the cache, so that it can go stale. The
// crowd's conversation all open together, and nobody alone. Where somebody comes back to a past, it is that one's reads that
// are counted, and nobody else reads.
func (r *run) openChats(ctx context.Context) {
	if len(r.play.Plan.Past) > 0 {
		return
	}
	alone, together := time.NewTicker(openEvery), time.NewTicker(crowdEvery)
	defer alone.Stop()
	defer together.Stop()
	for i := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-together.C:
			r.openTogether(ctx)
		case <-alone.C:
			c := r.fleet.convs[i%len(r.fleet.convs)]
			if c.Name != r.play.Crowd {
				r.fleet.devices[c.Members[i/len(r.fleet.convs)%len(c.Members)]].open(ctx, c)
			}
			i++
		}
	}
}

// openTogether has all who are there open the crowd's conversation in the same moment, and notes how often the store was read
// before and after it.
func (r *run) openTogether(ctx context.Context) {
	for _, c := range r.fleet.convs {
		if c.Name != r.play.Crowd || !r.markNewestReads(ctx) {
			continue
		}
		var all sync.WaitGroup
		for _, m := range c.Members {
			if d := r.fleet.devices[m]; d.up.Load() {
				all.Go(func() { d.open(ctx, c) })
			}
		}
		all.Wait()
		r.markNewestReads(ctx)
	}
}

// markNewestReads notes how often the store was asked for a newest page so far by those who open conversations, and says
// whether that is known.
func (r *run) markNewestReads(ctx context.Context) bool {
	reads, err := r.sys.Totals(ctx, "message", newestReads, "call")
	if err == nil {
		r.metric(property.NewestReads, "", reads[openCall], "reads")
	}
	return err == nil
}

// open asks for the newest page. What stands on such pages is judged at the end.
func (d *device) open(ctx context.Context, c conversation) {
	rec := d.fleet.run.rec
	h := history.Event{Kind: history.Opening, Device: d.id, Conversation: rec.UUID(c.id)}
	rec.Record(h)
	page, _, err := d.client.History(ctx, c.id, client.Range{Limit: newestPage})
	h.Kind, h.Count = history.Opened, int64(len(page))
	if err != nil {
		code := chat.CodeUnknownOutcome
		if refusal := (*chat.Error)(nil); errors.As(err, &refusal) {
			code = refusal.Code
		}
		h.Code = rec.Text(string(code))
	}
	rec.Record(h)
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
