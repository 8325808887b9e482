package scenarios

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

// listPage is how many conversations a device asks for at once.
const listPage = 100

// readUnread records what every device's user is told to be unread, where the system keeps count of it.
func (r *run) readUnread(ctx context.Context) error {
	if sw := r.variant.Switches; !sw.Inbox || !sw.Receipts {
		return nil
	}
	ours := map[chat.ID]bool{} // of all that were made
	for _, c := range r.fleet.convs {
		ours[c.id] = true
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readersAtOnce)
	for _, d := range r.fleet.devices {
		g.Go(func() error { return d.readUnread(ctx, ours) })
	}
	return g.Wait()
}

func (d *device) readUnread(ctx context.Context, ours map[chat.ID]bool) error {
	rec := d.fleet.run.rec
	for skip, more := 0, true; more; skip += listPage {
		var page []client.Conversation
		err := persist(ctx, func(ctx context.Context) (err error) {
			page, more, err = d.client.Conversations(ctx, listPage, skip)
			return err
		})
		if err != nil {
			return fmt.Errorf("list conversations of %s: %w", d.name, err)
		}
		for _, c := range page {
			if ours[c.ID] {
				rec.Record(history.Event{Kind: history.Unread, Device: d.id, Conversation: rec.UUID(c.ID), Seq: c.LastSeq, Count: c.Unread})
			}
		}
	}
	return nil
}
