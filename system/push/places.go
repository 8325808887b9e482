package push

import (
	"context"
	"slices"

	"github.com/cenkalti/backoff/v5"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/deadletter"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/placement"
	"github.com/chatlab/chatlab/system/recent"
	"github.com/chatlab/chatlab/system/resilience"
	"github.com/chatlab/chatlab/system/wire"
)

// places computes again where each message stands and who may see it.
type places struct {
	store     *cassandra.Store
	switches  chat.Switches
	partition int32
	placed    *placement.Places
	taken     *recent.Map[chat.ID, struct{}] // messages, where the log does not say what repeats them
}

// maxTaken bounds the messages of a partition by which repeats are known.
const maxTaken = 20_000

func newPlaces(store *cassandra.Store, switches chat.Switches, partition int32) *places {
	return &places{store: store, switches: switches, partition: partition, placed: placement.New(store, partition), taken: recent.New[chat.ID, struct{}](maxTaken)}
}

// maxConversations bounds a partition's memory; what is dropped is read again.
const maxConversations = 20_000

// place turns a record into an arrival. One of which nobody is told has no users; so has one that is refused.
func (p *places) place(ctx context.Context, r kafka.Record) (a arrival, err error) {
	err = deadletter.Guard(func() error { return p.arrive(ctx, r, &a) })
	if deadletter.IsRefused(err) {
		p.placed.Forget(a.conv)
		a = arrival{offset: r.Offset}
	}
	return a, err
}

func (p *places) arrive(ctx context.Context, r kafka.Record, a *arrival) error {
	rec, err := wire.DecodeRecord(r.Value)
	if err != nil {
		return deadletter.Refuse(err)
	}
	*a = arrival{offset: r.Offset, conv: rec.ConversationID, sender: rec.SenderID, sentAt: r.Time}
	if rec.MessageType == wire.TypeThrottle {
		return nil
	}
	var members []chat.ID
	err = untilDone(ctx, func() (err error) {
		a.place, members, err = p.find(ctx, rec, r)
		return err
	})
	mayPanic(p.switches.Mutant, rec.Content)
	if err == nil && rec.MessageType == chat.TypeText {
		a.users = slices.DeleteFunc(slices.Clone(members), func(u chat.ID) bool { return u == rec.SenderID })
	}
	return err
}

// find gives the record its place and names the members there. A record that repeats a message has none to tell it to.
func (p *places) find(ctx context.Context, rec wire.Record, r kafka.Record) (chat.Place, []chat.ID, error) {
	if p.switches.WritePath != chat.WriteLogFirst {
		c, err := p.members(ctx, rec.ConversationID)
		if err == nil {
			if _, repeat := p.taken.Keep(rec.MessageID, struct{}{}); repeat {
				c = nil
			}
		}
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
	if err := cassandra.Check(m); err != nil { // the fan-out passed over it too
		return m.Place, nil, deadletter.Refuse(err)
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

// untilDone repeats what must succeed before the partition can go on, unless it is refused for good.
func untilDone(ctx context.Context, do func() error) error {
	b := backoff.NewExponentialBackOff()
	pause := resilience.FanoutWork.Policy().Backoff
	b.InitialInterval, b.MaxInterval = pause.First, pause.Max
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := do()
		if deadletter.IsRefused(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(b), backoff.WithMaxElapsedTime(0))
	return err
}
