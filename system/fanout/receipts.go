package fanout

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire"
)

// Bounds of what receipts cost.
const (
	receiptEvery     = time.Second // between two receipt frames of a conversation
	receiptPlaces    = 500         // newest places of a conversation whose senders are told
	receiptPoints    = 16          // places in one frame
	maxTallies       = 1000        // conversations that a partition keeps between two frames; others are read again
	typingStaleAfter = 5 * time.Second
)

// runReceipts works on one partition of chat.delivery_receipt. Frames are made of what has come together, at most one a
// second and conversation; an offset is committed when all before it has become frames.
func (w *Worker) runReceipts(ctx context.Context, p *kafka.Partition) error {
	t := &tallies{byID: map[chat.ID]*tally{}, changed: map[chat.ID]*tally{}, next: p.Offset}
	for {
		records, err := t.fetch(ctx, p)
		if err != nil {
			return nil
		}
		for _, r := range records {
			if err := w.takeReceipt(ctx, t, p.ID, r); err != nil {
				return nil
			}
			t.next = r.Offset + 1
		}
		w.tellSenders(ctx, p.ID, t.due(time.Now()))
		t.settle()
		p.Commit(t.committed())
	}
}

// takeReceipt notes what a record says; one that cannot be read goes to the dead letters. Its only error is that ctx
// ended.
func (w *Worker) takeReceipt(ctx context.Context, t *tallies, partition int, r kafka.Record) error {
	err := deadletter.Guard(func() error {
		rec, err := wire.DecodeReceipt(r.Value)
		if err != nil {
			return err
		}
		w.mayPanic(rec.Recipients[0].Device)
		switch {
		case rec.Status != wire.StatusTyping:
			t.note(rec, r)
		case w.cfg.Now().Sub(rec.Timestamp) <= typingStaleAfter:
			w.tellTyping(ctx, rec)
		}
		return nil
	})
	if err != nil {
		return w.letters.receipts.PassOver(ctx, wire.TopicReceipts, partition, r, err)
	}
	return nil
}

// tellSenders makes frames for conversations whose time has come, and leaves those changed for which it could not.
func (w *Worker) tellSenders(ctx context.Context, partition int, due []*tally) {
	within, cancel := context.WithTimeout(ctx, resilience.FanoutPush.Timeout())
	defer cancel()
	errs := make([]error, len(due))
	g := errgroup.Group{}
	g.SetLimit(16)
	for i, c := range due {
		g.Go(func() error {
			errs[i] = deadletter.Guard(func() error { return w.tellOf(within, c) })
			return nil
		})
	}
	_ = g.Wait()
	for i, c := range due {
		switch err := errs[i]; {
		case deadletter.IsRefused(err):
			if w.letters.receipts.PassOver(ctx, wire.TopicReceipts, partition, c.first, err) == nil {
				c.clear()
			}
		case err != nil && within.Err() == nil:
			w.cfg.Logger.Warn("tell of receipts", "conversation_id", c.id, "error", err)
		}
	}
}

// tellOf tells the senders of places over which a cursor has moved.
func (w *Worker) tellOf(ctx context.Context, c *tally) error {
	c.told = time.Now()
	if err := c.recover(ctx, w.cfg.Store); err != nil {
		return err
	}
	if !c.moved() {
		return nil
	}
	places, err := w.cfg.Store.Places(ctx, c.id, receiptPlaces)
	if err != nil {
		return err
	}
	members, err := membersOf(ctx, w.cfg.Store, c.id)
	if err != nil {
		return err
	}
	c.countOwn(places)
	frame, senders := c.frame(places, members)
	c.low, c.high = 0, 0
	if len(senders) == 0 {
		return nil
	}
	w.misreport(frame.Receipts)
	w.metrics.receipts.Add(float64(len(senders)))
	w.deliver(ctx, c.id, senders, wire.Encode(frame))
	return nil
}

// tellTyping tells the other members of a small conversation.
func (w *Worker) tellTyping(ctx context.Context, rec wire.ReceiptRecord) {
	ctx, cancel := context.WithTimeout(ctx, resilience.FanoutPush.Timeout())
	defer cancel()
	members, err := membersOf(ctx, w.cfg.Store, rec.ConversationID)
	if err != nil || len(members) > chat.MaxSocialGroup {
		return
	}
	user := rec.Recipients[0].RecipientID
	others := make([]chat.ID, 0, len(members))
	for _, m := range members {
		if m != user {
			others = append(others, m)
		}
	}
	if len(others) == len(members) { // a stranger, or one who has left
		return
	}
	w.deliver(ctx, rec.ConversationID, others, wire.Encode(wire.ServerFrame{Type: wire.TypeTyping, ConversationID: rec.ConversationID, UserID: user}))
}

// deliver puts a frame on the streams to the gateways that hold users.
func (w *Worker) deliver(ctx context.Context, conv chat.ID, users []chat.ID, frame []byte) {
	for gateway, of := range w.routes.byGateway(ctx, users) {
		w.outlets.enqueue(gateway, delivery{conv: conv, users: of, frame: frame, at: time.Now()})
	}
}

// tallies are the conversations of a partition whose cursors a worker counts.
type tallies struct {
	byID    map[chat.ID]*tally
	changed map[chat.ID]*tally
	next    int64 // offset to read
}

// fetch waits for records, but no longer than until a conversation's time has come.
func (t *tallies) fetch(ctx context.Context, p *kafka.Partition) ([]kafka.Record, error) {
	wait := ctx
	if at, ok := t.earliest(); ok {
		var cancel context.CancelFunc
		wait, cancel = context.WithDeadline(ctx, at)
		defer cancel()
	}
	records, err := p.Fetch(wait, maxBatch)
	if err != nil && ctx.Err() == nil {
		return nil, nil
	}
	return records, err
}

func (t *tallies) earliest() (at time.Time, ok bool) {
	for _, c := range t.changed {
		if c := c.dueAt(); !ok || c.Before(at) {
			at, ok = c, true
		}
	}
	return at, ok
}

func (t *tallies) note(rec wire.ReceiptRecord, r kafka.Record) {
	c, ok := t.byID[rec.ConversationID]
	if !ok {
		c = &tally{id: rec.ConversationID}
		t.byID[c.id] = c
	}
	if t.changed[c.id] == nil {
		t.changed[c.id], c.first = c, r
	}
	c.note(rec)
}

func (t *tallies) due(now time.Time) (out []*tally) {
	for _, c := range t.changed {
		if !now.Before(c.dueAt()) {
			out = append(out, c)
		}
	}
	return out
}

// settle forgets what has been told, and beyond the bound whole conversations.
func (t *tallies) settle() {
	for id, c := range t.changed {
		if !c.waiting && !c.moved() {
			delete(t.changed, id)
		}
	}
	for id := range t.byID {
		if len(t.byID) <= maxTallies {
			return
		}
		if t.changed[id] == nil {
			delete(t.byID, id)
		}
	}
}

// committed is the offset below which everything has been told.
func (t *tallies) committed() int64 {
	next := t.next
	for _, c := range t.changed {
		next = min(next, c.first.Offset)
	}
	return next
}

// membersOf reads who is in a conversation now; one that does not exist has nobody.
func membersOf(ctx context.Context, store *cassandra.Store, conv chat.ID) ([]chat.ID, error) {
	c, err := store.Conversation(ctx, conv)
	var refusal *chat.Error
	if errors.As(err, &refusal) && refusal.Code == chat.CodeNotFound {
		return nil, nil
	}
	return c.Members, err
}
