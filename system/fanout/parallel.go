package fanout

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/placement"
	"github.com/chatlab/chatlab/system/recent"
	"github.com/chatlab/chatlab/system/wire"
)

const (
	memberTTL = time.Second // how long a worker trusts who is in a conversation, where the log does not say it
	maxTaken  = 20_000      // messages of a partition by which repeats are known
)

// clocks serves the conversations of a partition where the pods' clocks decide: a message's timestamp comes with its
// record, it has no seq, and who may see it is whoever is a member about now. The worker writes the row again, for the
// pod that did not get to it, and takes a message that comes twice for one as long as it remembers the first.
type clocks struct {
	store     *cassandra.Store
	partition int32
	taken     *recent.Map[chat.ID, struct{}]
	byID      map[chat.ID]*clocked
}

func newClocks(store *cassandra.Store, partition int32) *clocks {
	return &clocks{store: store, partition: partition, taken: recent.New[chat.ID, struct{}](maxTaken), byID: map[chat.ID]*clocked{}}
}

// get returns the conversation with members as they were at most memberTTL ago.
func (c *clocks) get(ctx context.Context, id chat.ID, _ int64) (placer, error) {
	known, ok := c.byID[id]
	if ok && time.Since(known.read) < memberTTL {
		return known, nil
	}
	now, err := c.store.Conversation(ctx, id)
	var refusal *chat.Error
	if err != nil && !(errors.As(err, &refusal) && refusal.Code == chat.CodeNotFound) {
		return nil, err
	}
	if !ok {
		if len(c.byID) >= maxConversations {
			clear(c.byID)
		}
		known = &clocked{clocks: c}
		c.byID[id] = known
	}
	if known.read = time.Now(); !slices.Equal(known.members, now.Members) { // the same members keep their identity
		known.members = now.Members
	}
	return known, nil
}

// clocked is one conversation where the pods' clocks decide.
type clocked struct {
	clocks  *clocks
	members []chat.ID // replaced, never changed
	read    time.Time
}

func (c *clocked) Members() []chat.ID { return c.members }

// Take says who sees the message. The pod has stored a change of members before it told of it.
func (c *clocked) Take(rec wire.Record, r kafka.Record) (m chat.Message, members []chat.ID, repeat bool, err error) {
	m = rec.Message()
	if _, repeat = c.clocks.taken.Keep(m.ID, struct{}{}); repeat {
		return m, nil, true, nil
	}
	if m.Place.Timestamp = rec.Timestamp; m.Place.Timestamp.Version() != 1 { // a record of another write path
		m.Place.Timestamp = order.TimeUUID(order.TicksOf(r.Time), c.clocks.partition, r.Offset)
	}
	changed := placement.Changed(m)
	if len(changed) == 0 {
		return m, c.members, false, nil
	}
	others := slices.DeleteFunc(slices.Clone(c.members), func(u chat.ID) bool { return slices.Contains(changed, u) })
	everybody := append(slices.Clone(others), changed...) // who is removed sees that
	if c.members = everybody; m.Type == chat.TypeMembersRemoved {
		c.members = others
	}
	return m, everybody, false, nil
}
