package fanout

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/placement"
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
	record  kafka.Record
}

// runBatched works on one partition, where the log decides and where the pods' clocks do. Pushing and storing go side by
// side; an offset is committed when its row is stored and the cache had its time, and nothing else can hold it up.
func (w *Worker) runBatched(ctx context.Context, p *kafka.Partition) error {
	states := newStates(w.cfg, p.ID)
	cache := newCacheWriter(w.cfg, p.Commit, w.metrics)
	var caching sync.WaitGroup
	caching.Go(func() { cache.run(ctx) })
	defer caching.Wait()
	defer cache.stop()
	for {
		records, err := p.Fetch(ctx, maxBatch)
		if err != nil {
			return nil
		}
		for len(records) > 0 {
			n, err := w.handle(ctx, p, states, cache, records)
			if err != nil {
				return err
			}
			records = records[n:]
		}
	}
}

// handle works on records up to the first that nobody can process and says how many are done with. What comes before
// that one is stored first, so that the state of its conversation can be recovered from the rows.
func (w *Worker) handle(ctx context.Context, p *kafka.Partition, states *states, cache *cacheWriter, records []kafka.Record) (int, error) {
	items, n, poison, err := w.place(ctx, states, records)
	if err != nil {
		return 0, err
	}
	refused, err := w.pushAndStore(ctx, items)
	if err != nil {
		return 0, err
	}
	states.stored()
	if err := w.passOver(ctx, p, append(refused, poison...)...); err != nil {
		return 0, err
	}
	cache.add(items, records[n-1].Offset+1) // after the row: a reader who fills the cache meanwhile finds what is not yet added
	return n, nil
}

// place gives records their places, up to the first that is refused for good.
func (w *Worker) place(ctx context.Context, states *states, records []kafka.Record) (items []item, n int, poison []refusal, err error) {
	items = make([]item, 0, len(records))
	for i, r := range records {
		placed, err := w.placeOne(ctx, states, r)
		if deadletter.IsRefused(err) {
			return items, i + 1, []refusal{{r, err}}, nil
		}
		if err != nil {
			return nil, 0, nil, err
		}
		items = append(items, placed...)
	}
	return items, len(records), nil, nil
}

// placeOne gives a record its place. A record that is refused takes none: what its conversation's state became is dropped.
func (w *Worker) placeOne(ctx context.Context, states *states, r kafka.Record) (items []item, err error) {
	var conversation chat.ID
	err = deadletter.Guard(func() error {
		rec, err := decode(r)
		if err != nil {
			return err
		}
		conversation = rec.ConversationID
		conv, err := states.get(ctx, conversation, r.Offset)
		if err != nil {
			return err
		}
		it, ok, err := conv.take(rec, r)
		if err != nil {
			return err
		}
		if !ok {
			w.metrics.repeats.Inc()
			return nil
		}
		it.traced(r.Traceparent())
		w.mayPanic(it.message.Content)
		items = w.defect(it)
		return it.storable()
	})
	if deadletter.IsRefused(err) {
		states.forget(conversation)
	}
	return items, err
}

// recorded is the time of a message's record, and zero for a notice.
func (it *item) recorded() (at time.Time) {
	if it.placed {
		at = it.record.Time
	}
	return at
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
func (c *conversation) take(rec wire.Record, r kafka.Record) (item, bool, error) {
	if rec.MessageType == wire.TypeThrottle {
		f := wire.ServerFrame{Type: wire.TypeThrottled, ConversationID: rec.ConversationID, RetryAfterMS: rec.RetryAfterMS}
		return item{conv: c, frame: wire.Encode(f), members: c.Members(), record: r}, true, nil
	}
	m, members, repeat, err := c.Take(rec, r)
	if err != nil || repeat {
		return item{}, false, err
	}
	return item{conv: c, message: m, frame: wire.Encode(wire.MessageFrame(m)), members: members, placed: true, record: r}, true, nil
}

// pushAndStore returns the items that cannot be pushed or that storage refuses for good.
func (w *Worker) pushAndStore(ctx context.Context, items []item) (refused []refusal, err error) {
	var unpushed []refusal
	g, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	g.Go(func() error { unpushed = w.push(ctx, items); return nil })
	g.Go(func() (err error) {
		refused, err = w.store(ctx, items)
		for _, it := range items {
			w.note(it, "fanout store", start, err)
		}
		return err
	})
	err = g.Wait()
	return append(refused, unpushed...), err
}

// note makes a span of what was done for an item, if somebody traces it.
func (w *Worker) note(it item, what string, start time.Time, err error) {
	if it.trace != "" {
		w.cfg.Network.Tracer.Note(it.trace, what, start, err, trace.Conversation(it.conv.id), trace.Message(it.message.ID))
	}
}

// push hands each item to the ordered streams of the gateways that hold its members.
func (w *Worker) push(ctx context.Context, items []item) (refused []refusal) {
	for _, it := range items {
		start := time.Now()
		err := deadletter.Guard(func() error {
			for gateway, users := range it.conv.audience(ctx, w.routes, it.members) {
				w.handOver(gateway, it, delivery{conv: it.conv.id, users: users, frame: it.frame, at: time.Now(), trace: it.trace, recorded: it.recorded()})
			}
			return nil
		})
		if err != nil {
			refused = append(refused, refusal{it.record, err})
		}
		w.note(it, "fanout push", start, err)
	}
	return refused
}

// store writes the rows, and tries until it has: an unstored row holds the offset, unless storage will never take it.
func (w *Worker) store(ctx context.Context, items []item) (refused []refusal, err error) {
	byConv := map[*conversation][]item{}
	for _, it := range items {
		if it.placed {
			byConv[it.conv] = append(byConv[it.conv], it)
		}
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(32)
	for conv, its := range byConv {
		g.Go(func() error {
			more, err := w.storeOrRefuse(ctx, conv, its)
			mu.Lock()
			defer mu.Unlock()
			refused = append(refused, more...)
			return err
		})
	}
	err = g.Wait()
	return refused, err
}

// storeOrRefuse stores a conversation's rows together, or one by one when one of them is refused.
func (w *Worker) storeOrRefuse(ctx context.Context, conv *conversation, its []item) (refused []refusal, err error) {
	err = w.storeConversation(ctx, conv, its)
	switch {
	case !deadletter.IsRefused(err):
		return nil, err
	case len(its) == 1:
		return []refusal{{its[0].record, err}}, nil
	}
	for i := range its {
		more, err := w.storeOrRefuse(ctx, conv, its[i:i+1])
		if err != nil {
			return nil, err
		}
		refused = append(refused, more...)
	}
	return refused, nil
}

func (w *Worker) storeConversation(ctx context.Context, conv *conversation, its []item) error {
	ms := make([]chat.Message, len(its))
	for i, it := range its {
		ms[i] = it.message
	}
	members := its[len(its)-1].members
	return untilDone(ctx, func() error {
		return deadletter.Guard(func() error { return w.tryToStore(ctx, conv, members, ms) })
	})
}

// tryToStore writes rows, and then what follows from them; members are those who may see the last one.
func (w *Worker) tryToStore(ctx context.Context, conv *conversation, members []chat.ID, ms []chat.Message) error {
	start := time.Now()
	var reads errgroup.Group // beside the rows: a place is as sure as its row
	if w.cfg.Switches.Receipts {
		reads.Go(func() error { return w.cfg.Store.Advance(ctx, ownReads(ms)) })
	}
	err := w.cfg.Store.Insert(ctx, ms...)
	w.metrics.observeStore(time.Since(start), err)
	unread := reads.Wait()
	if errors.Is(err, cassandra.ErrRefused) {
		return deadletter.Refuse(err)
	}
	if err == nil {
		err = unread
	}
	if err == nil {
		err = placement.Apply(ctx, w.cfg.Store, ms...)
	}
	if err == nil {
		err = conv.touch(ctx, w.cfg.Store, ms[len(ms)-1].CreatedAt)
	}
	if err == nil && w.cfg.Switches.Inbox {
		err = placement.TellInboxes(ctx, w.cfg.Store, members, ms...)
	}
	if err != nil && ctx.Err() == nil {
		w.cfg.Logger.Warn("store messages", "conversation_id", conv.id, "error", err)
	}
	return err
}
