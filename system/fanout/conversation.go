package fanout

import (
	"bytes"
	"context"
	"time"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/placement"
	"github.com/chatlab/chatlab/system/wire"
)

// conversation is what a worker knows of one conversation of a partition it holds.
type conversation struct {
	placer
	id      chat.ID
	touched time.Time

	everybody []chat.ID // of the defect push_to_removed

	byGateway map[string][]byte // where the members are, as ids for a delivery
	routedFor *chat.ID          // first element of the members that byGateway is for
	routedAt  time.Time
}

// maxConversations bounds a partition's memory. State that is dropped is recovered from the rows when it is needed.
const maxConversations = 20_000

// A placer says where a record of its conversation stands and who may see it. Where the log decides it is a
// placement.Conversation, else clocked.
type placer interface {
	Members() []chat.ID
	Take(wire.Record, kafka.Record) (m chat.Message, members []chat.ID, repeat bool, err error)
}

// states are the conversations of a partition.
type states struct {
	find   func(ctx context.Context, id chat.ID, offset int64) (placer, error)
	places *placement.Places
	byID   map[chat.ID]*conversation
}

func newStates(cfg Config, partition int) *states {
	s := &states{places: placement.New(cfg.Store, int32(partition)), byID: map[chat.ID]*conversation{}}
	if cfg.Switches.WritePath == chat.WriteLogFirst {
		s.find = func(ctx context.Context, id chat.ID, offset int64) (placer, error) {
			return s.places.Get(ctx, id, offset)
		}
	} else {
		s.find = newClocks(cfg.Store, int32(partition)).get
	}
	return s
}

// get returns the conversation as it is before the record at offset.
func (s *states) get(ctx context.Context, id chat.ID, offset int64) (*conversation, error) {
	c, ok := s.byID[id]
	if !ok {
		c = &conversation{id: id}
	}
	err := untilDone(ctx, func() (err error) {
		c.placer, err = s.find(ctx, id, offset)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.byID[id] = c
	return c, nil
}

// forget drops what a refused record made of its conversation.
func (s *states) forget(id chat.ID) {
	s.places.Forget(id)
	delete(s.byID, id)
}

// stored says that the rows of all that was placed are in storage: only then may state be dropped.
func (s *states) stored() {
	if len(s.byID) >= maxConversations {
		s.places.Clear()
		s.byID = map[chat.ID]*conversation{}
	}
}

// touch writes last_message_at at most once a second.
func (c *conversation) touch(ctx context.Context, store *cassandra.Store, at time.Time) error {
	if time.Since(c.touched) < time.Second {
		return nil
	}
	if err := store.TouchConversation(ctx, c.id, at); err != nil {
		return err
	}
	c.touched = time.Now()
	return nil
}

// audience returns where the members are now, computed at most once in routeTTL while the members stay the same.
func (c *conversation) audience(ctx context.Context, routes *routes, members []chat.ID) map[string][]byte {
	if len(members) == 0 {
		return nil
	}
	if c.routedFor == &members[0] && time.Since(c.routedAt) < routeTTL {
		return c.byGateway
	}
	now := time.Now()
	fresh := routes.byGateway(ctx, members)
	for g, users := range fresh { // the same bytes keep their identity: an outlet compares them for every delivery
		if old := c.byGateway[g]; bytes.Equal(old, users) {
			fresh[g] = old
		}
	}
	c.byGateway, c.routedFor, c.routedAt = fresh, &members[0], now
	return fresh
}
