package fanout

import (
	"bytes"
	"context"
	"time"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/placement"
)

// conversation is what a worker knows of one conversation of a partition it holds.
type conversation struct {
	*placement.Conversation
	touched time.Time

	byGateway map[string][]byte // where the members are, as ids for a delivery
	routedFor *chat.ID          // first element of the members that byGateway is for
	routedAt  time.Time
}

type states struct {
	places    *placement.Places
	partition int32
	byID      map[chat.ID]*conversation
}

func newStates(store *cassandra.Store, partition int) *states {
	return &states{places: placement.New(store, int32(partition)), partition: int32(partition), byID: map[chat.ID]*conversation{}}
}

// get returns the conversation as it is before the record at offset.
func (s *states) get(ctx context.Context, id chat.ID, offset int64) (*conversation, error) {
	if c, ok := s.byID[id]; ok {
		return c, nil
	}
	c := &conversation{}
	err := untilDone(ctx, func() (err error) {
		c.Conversation, err = s.places.Get(ctx, id, offset)
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

// stored says that the rows of all that was placed are in storage.
func (s *states) stored() {
	if s.places.Stored() {
		s.byID = map[chat.ID]*conversation{}
	}
}

// touch writes last_message_at at most once a second.
func (c *conversation) touch(ctx context.Context, store *cassandra.Store, at time.Time) error {
	if time.Since(c.touched) < time.Second {
		return nil
	}
	if err := store.TouchConversation(ctx, c.ID, at); err != nil {
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
	fresh := routes.byGateway(ctx, members)
	for g, users := range fresh { // the same bytes keep their identity: an outlet compares them for every delivery
		if old := c.byGateway[g]; bytes.Equal(old, users) {
			fresh[g] = old
		}
	}
	c.byGateway, c.routedFor, c.routedAt = fresh, &members[0], time.Now()
	return fresh
}
