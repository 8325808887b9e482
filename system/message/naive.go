package message

import (
	"context"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/wire"
)

// naive is the document's pseudocode: three awaited parallel writes by any pod, a time UUID by its clock, an error if
// any of them fails, whatever the others did.
type naive struct{ cfg Config }

func (w naive) write(ctx context.Context, m chat.Message, members []chat.ID) error {
	r := wire.RecordOf(m)
	for _, u := range members {
		if u != m.SenderID {
			r.Recipients = append(r.Recipients, u)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.cfg.Cache.Add(ctx, m.ConversationID, m) })
	g.Go(func() error {
		if err := w.cfg.Store.Insert(ctx, m); err != nil {
			return err
		}
		return w.cfg.Store.TouchConversation(ctx, m.ConversationID, m.CreatedAt)
	})
	g.Go(func() error { return produce(ctx, w.cfg.Log, r) })
	return g.Wait()
}

// clockTimeUUID takes the time from the pod's clock and the rest at random, as any driver's now() does.
func clockTimeUUID(m chat.Message) chat.ID {
	id := order.TimeUUID(order.TicksOf(m.CreatedAt), 0, 0)
	random := uuid.New()
	copy(id[8:], random[8:])
	return id
}
