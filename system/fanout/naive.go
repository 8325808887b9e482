package fanout

import (
	"context"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire"
	"github.com/chatlab/chatlab/system/wire/pb"
)

// runNaive is the document's worker: for each message and each recipient one awaited lookup and one awaited call.
func (w *Worker) runNaive(ctx context.Context, p *kafka.Partition) error {
	for {
		records, err := p.Fetch(ctx, 1)
		if err != nil {
			return nil
		}
		r := records[0]
		err = deadletter.Guard(func() error {
			rec, err := decode(r)
			if err != nil {
				return err
			}
			return w.onMessageSent(ctx, rec)
		})
		if deadletter.IsRefused(err) {
			err = w.passOver(ctx, p, refusal{r, err})
		}
		if err != nil && ctx.Err() == nil {
			w.cfg.Logger.Warn("fan out", "partition", p.ID, "offset", r.Offset, "error", err)
		}
		if ctx.Err() != nil {
			return nil
		}
		p.Commit(r.Offset + 1)
	}
}

func (w *Worker) onMessageSent(ctx context.Context, rec wire.Record) error {
	conv, err := w.cfg.Store.Conversation(ctx, rec.ConversationID)
	if err != nil {
		return err
	}
	m := rec.Message()
	w.mayPanic(m.Content)
	m.Place.Timestamp = rec.Timestamp
	frame := wire.Encode(wire.MessageFrame(m))
	if rec.MessageType == wire.TypeThrottle {
		frame = wire.Encode(wire.ServerFrame{Type: wire.TypeThrottled, ConversationID: rec.ConversationID, RetryAfterMS: rec.RetryAfterMS})
	}
	for _, user := range conv.Members {
		if user == rec.SenderID {
			continue
		}
		if err := w.deliverOne(ctx, user, frame); err != nil {
			w.metrics.givenUp.Inc()
		}
	}
	return nil
}

func (w *Worker) deliverOne(ctx context.Context, user chat.ID, frame []byte) error {
	found, err := w.routes.find(ctx, []chat.ID{user}, nil)
	if err != nil {
		return err // not delivered: the document takes the user for offline
	}
	for _, gateway := range found[user] {
		out, ok := w.outlets.byName[gateway]
		if !ok {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, resilience.FanoutPush.Timeout())
		_, err := out.client.DeliverOne(ctx, &pb.DeliverOneRequest{UserId: user[:], Frame: frame})
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}
