package scenarios

import (
	"context"
	"fmt"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/system/chat"
)

// readReplicas records what each replica holds when all has settled, and once more after a repair. It comes before anything
// else is read: that would repair, too.
func (r *run) readReplicas(ctx context.Context) error {
	if err := r.readEach(ctx, history.AtEnd); err != nil {
		return err
	}
	var convs []chat.ID
	for _, c := range r.fleet.convs {
		convs = append(convs, c.id)
	}
	if err := r.sys.Repair(ctx, convs...); err != nil {
		return err
	}
	return r.readEach(ctx, history.Repaired)
}

func (r *run) readEach(ctx context.Context, when string) error {
	return r.sys.EachReplica(ctx, func(node string, stored Rows) error {
		for _, c := range r.fleet.convs {
			if err := r.readReplica(ctx, c, node, when, stored); err != nil {
				return fmt.Errorf("read %s of %s: %w", c.Name, node, err)
			}
		}
		return nil
	})
}

func (r *run) readReplica(ctx context.Context, c conversation, node, when string, stored Rows) error {
	done := history.Event{Kind: history.ReplicaRead, Label: r.rec.Text(node), Text: r.rec.Text(when), Conversation: r.rec.UUID(c.id)}
	err := stored(ctx, c.id, func(m chat.Message) {
		done.Count++
		h := r.sighting(history.Held, done.Conversation, m)
		h.Label, h.Text = done.Label, done.Text
		r.rec.Record(h)
	})
	if err == nil {
		r.rec.Record(done)
	}
	return err
}
