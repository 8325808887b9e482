package fanout

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/trace"
	"github.com/chatlab/chatlab/system/wire"
)

// maxBatch bounds how many records are placed before they are stored and committed together.
const maxBatch = 64

// item is one record on its way: a message with its place, or a notice without one.
type item struct {
	conv    *conversation
	message chat.Message
	frame   []byte
	members []chat.ID // those who may see it
	placed  bool
	trace   string // W3C context; empty: nobody traces it
}

// runLogFirst works on one partition. Pushing and storing go side by side; an offset is committed when its row is
// stored, and nothing else can hold it up.
func (w *Worker) runLogFirst(ctx context.Context, p *kafka.Partition) error {
	states := &states{store: w.cfg.Store, partition: int32(p.ID), byID: map[chat.ID]*conversation{}}
	cache := newCacheWriter(w.cfg.Cache, w.cfg.Logger, w.metrics)
	var caching sync.WaitGroup
	caching.Go(func() { cache.run(ctx) })
	defer caching.Wait()
	defer cache.stop()
	for {
		records, err := p.Fetch(ctx, maxBatch)
		if err != nil {
			return nil
		}
		items, err := w.place(ctx, states, records)
		if err != nil {
			return err
		}
		if err := w.pushAndStore(ctx, items); err != nil {
			return err
		}
		cache.add(items) // after the row: a reader who fills the cache meanwhile finds what is not yet added
		p.Commit(records[len(records)-1].Offset + 1)
	}
}

// place gives each record of a batch its place; a record that cannot be read is counted and passed over.
func (w *Worker) place(ctx context.Context, states *states, records []kafka.Record) ([]item, error) {
	items := make([]item, 0, len(records))
	for _, r := range records {
		rec, err := wire.DecodeRecord(r.Value)
		if err != nil {
			w.metrics.poison.Inc()
			w.cfg.Logger.Error("pass over a record that cannot be read", "partition", states.partition, "offset", r.Offset, "error", err)
			continue
		}
		conv, err := states.get(ctx, rec.ConversationID, r.Offset)
		if err != nil {
			return nil, err
		}
		it, ok, err := conv.take(rec, r, states.partition)
		if err != nil {
			return nil, err
		}
		if ok {
			it.traced(r.Traceparent())
			items = append(items, w.defect(it)...)
		} else {
			w.metrics.repeats.Inc()
		}
	}
	return items, nil
}

// traced lets the trace context of a message, if it has one, travel on to the devices.
func (it *item) traced(parent string) {
	if it.trace = parent; parent != "" && it.placed {
		f := wire.MessageFrame(it.message)
		f.Traceparent = parent
		it.frame = wire.Encode(f)
	}
}

// take turns a record into an item; a repeated message gives none.
func (c *conversation) take(rec wire.Record, r kafka.Record, partition int32) (item, bool, error) {
	if rec.MessageType == wire.TypeThrottle {
		f := wire.ServerFrame{Type: wire.TypeThrottled, ConversationID: rec.ConversationID, RetryAfterMS: rec.RetryAfterMS}
		return item{conv: c, frame: wire.Encode(f), members: c.members}, true, nil
	}
	place, repeat, err := c.order.Place(order.Record{
		Partition: partition, Offset: r.Offset, Time: r.Time, Sender: rec.SenderID, ClientMsgID: rec.ClientMsgID,
	})
	if err != nil || repeat {
		return item{}, false, err
	}
	m := rec.Message()
	m.Place = place
	return item{conv: c, message: m, frame: wire.Encode(wire.MessageFrame(m)), members: c.applyMembers(m), placed: true}, true, nil
}

func (w *Worker) pushAndStore(ctx context.Context, items []item) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { w.push(ctx, items); return nil })
	start := time.Now()
	g.Go(func() error {
		err := w.store(ctx, items)
		for _, it := range items {
			w.note(it, "fanout store", start, err)
		}
		return err
	})
	return g.Wait()
}

// note makes a span of what was done for an item, if somebody traces it.
func (w *Worker) note(it item, what string, start time.Time, err error) {
	if it.trace != "" {
		w.cfg.Network.Tracer.Note(it.trace, what, start, err, trace.Conversation(it.conv.id), trace.Message(it.message.ID))
	}
}

// push hands each item to the ordered streams of the gateways that hold its members.
func (w *Worker) push(ctx context.Context, items []item) {
	for _, it := range items {
		start := time.Now()
		for gateway, users := range it.conv.audience(ctx, w.routes, it.members) {
			w.handOver(gateway, it, delivery{conv: it.conv.id, users: users, frame: it.frame, at: time.Now(), trace: it.trace})
		}
		w.note(it, "fanout push", start, nil)
	}
}

// store writes the rows, and tries until it has: an unstored row holds the offset.
func (w *Worker) store(ctx context.Context, items []item) error {
	byConv := map[*conversation][]chat.Message{}
	for _, it := range items {
		if it.placed {
			byConv[it.conv] = append(byConv[it.conv], it.message)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(32)
	for conv, ms := range byConv {
		g.Go(func() error { return w.storeConversation(ctx, conv, ms) })
	}
	return g.Wait()
}

func (w *Worker) storeConversation(ctx context.Context, conv *conversation, ms []chat.Message) error {
	return untilDone(ctx, func() error {
		start := time.Now()
		err := w.cfg.Store.Insert(ctx, ms...)
		w.metrics.observeStore(time.Since(start), err)
		if err == nil {
			err = conv.storeMembers(ctx, w.cfg.Store, ms)
		}
		if err == nil {
			err = conv.touch(ctx, w.cfg.Store, ms[len(ms)-1].CreatedAt)
		}
		if err != nil && ctx.Err() == nil {
			w.cfg.Logger.Warn("store messages", "conversation_id", conv.id, "error", err)
		}
		return err
	})
}
