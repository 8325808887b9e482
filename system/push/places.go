package push

import (
	"context"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/placement"
	"github.com/chatlab/chatlab/system/wire"
)

// places computes again where each message stands and who may see it.
type places struct {
	store     *cassandra.Store
	path      string
	partition int32
	placed    *placement.Places
}

func newPlaces(store *cassandra.Store, path string, partition int32) *places {
	return &places{store: store, path: path, partition: partition, placed: placement.New(store, partition)}
}

// maxConversations bounds a partition's memory; what is dropped is read again.
const maxConversations = 20_000

// unreadable marks a record that cannot be read.
const unreadable = -1

// place turns a record into an arrival. One of which nobody is told has no users.
func (p *places) place(ctx context.Context, r kafka.Record) (arrival, error) {
	rec, err := wire.DecodeRecord(r.Value)
	if err != nil {
		return arrival{offset: unreadable}, nil
	}
	a := arrival{offset: r.Offset, conv: rec.ConversationID, sender: rec.SenderID, sentAt: r.Time}
	if rec.MessageType == wire.TypeThrottle {
		return a, nil
	}
	var members []chat.ID
	err = untilDone(ctx, func() (err error) {
		a.place, members, err = p.find(ctx, rec, r)
		return err
	})
	if err == nil && rec.MessageType == chat.TypeText {
		a.users = slices.DeleteFunc(slices.Clone(members), func(u chat.ID) bool { return u == rec.SenderID })
	}
	return a, err
}

// find gives the record its place and names the members there. A record that repeats a message has none to tell it to.
func (p *places) find(ctx context.Context, rec wire.Record, r kafka.Record) (chat.Place, []chat.ID, error) {
	if p.path != chat.WriteLogFirst {
		c, err := p.members(ctx, rec.ConversationID)
		return chat.Place{Timestamp: rec.Timestamp, Partition: p.partition, Offset: r.Offset}, c, err
	}
	if p.placed.Known() >= maxConversations { // the fan-out committed all of them
		p.placed.Clear()
	}
	c, err := p.placed.Get(ctx, rec.ConversationID, r.Offset)
	if err != nil {
		return chat.Place{}, nil, err
	}
	m, members, repeat, err := c.Take(rec, r)
	if err != nil || repeat {
		return m.Place, nil, backoff.Permanent(err)
	}
	return m.Place, members, nil
}

// members reads them as they are now: a superset is fine, who may see a place is looked up before anything leaves.
func (p *places) members(ctx context.Context, conv chat.ID) ([]chat.ID, error) {
	c, err := p.store.Conversation(ctx, conv)
	if err != nil && chat.AsError(err).Code == chat.CodeNotFound {
		return nil, nil
	}
	return c.Members, err
}

// untilDone repeats what must succeed before the partition can go on.
func untilDone(ctx context.Context, do func() error) error {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 20*time.Millisecond, time.Second
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, do() }, backoff.WithBackOff(b), backoff.WithMaxElapsedTime(0))
	return err
}
