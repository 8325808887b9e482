package fanout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

// conversation is what a worker knows of one conversation of a partition it holds.
type conversation struct {
	id      chat.ID
	order   *order.State
	members []chat.ID // replaced, never changed: items hold it
	touched time.Time

	byGateway map[string][]byte // where the members are, as ids for a delivery
	routedFor *chat.ID          // first element of the members that byGateway is for
	routedAt  time.Time
}

// maxConversations bounds a partition's memory. State that is dropped is recovered from the rows when it is needed.
const maxConversations = 20_000

type states struct {
	store     *cassandra.Store
	partition int32
	byID      map[chat.ID]*conversation
}

// get returns the conversation as it is before the record at offset.
func (s *states) get(ctx context.Context, id chat.ID, offset int64) (*conversation, error) {
	if c, ok := s.byID[id]; ok {
		return c, nil
	}
	if len(s.byID) >= maxConversations {
		s.byID = map[chat.ID]*conversation{}
	}
	c := &conversation{id: id}
	err := untilDone(ctx, func() (err error) {
		if c.order, err = s.store.Recover(ctx, id, offset); err != nil {
			return err
		}
		c.members, err = membersOf(ctx, s.store, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.byID[id] = c
	return c, nil
}

func membersOf(ctx context.Context, store *cassandra.Store, id chat.ID) ([]chat.ID, error) {
	c, err := store.Conversation(ctx, id)
	var refusal *chat.Error
	if errors.As(err, &refusal) && refusal.Code == chat.CodeNotFound {
		return nil, nil // the record stands in the log: it gets its place, and nobody to see it
	}
	return c.Members, err
}

// applyMembers changes the members if the message does and returns those who may see it: who is removed sees that.
func (c *conversation) applyMembers(m chat.Message) []chat.ID {
	users := changedMembers(m)
	switch m.Type {
	case chat.TypeMembersAdded:
		c.members = slices.Clone(c.members)
		for _, u := range users {
			if !slices.Contains(c.members, u) {
				c.members = append(c.members, u)
			}
		}
	case chat.TypeMembersRemoved:
		before := c.members
		c.members = slices.DeleteFunc(slices.Clone(before), func(u chat.ID) bool { return slices.Contains(users, u) })
		return before
	}
	return c.members
}

func changedMembers(m chat.Message) (users []chat.ID) {
	if m.Type == chat.TypeMembersAdded || m.Type == chat.TypeMembersRemoved {
		_ = json.Unmarshal([]byte(m.Content), &users) // written by a message pod; anything else names nobody
	}
	return users
}

func (c *conversation) storeMembers(ctx context.Context, store *cassandra.Store, ms []chat.Message) error {
	for _, m := range ms {
		users := changedMembers(m)
		var err error
		switch {
		case len(users) == 0:
		case m.Type == chat.TypeMembersAdded:
			err = store.AddMembers(ctx, c.id, users, m.Place.Seq)
		case m.Type == chat.TypeMembersRemoved:
			err = store.RemoveMembers(ctx, c.id, users, m.Place.Seq)
		}
		if err != nil {
			return err
		}
	}
	return nil
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
	fresh := routes.byGateway(ctx, members)
	for g, users := range fresh { // the same bytes keep their identity: an outlet compares them for every delivery
		if old := c.byGateway[g]; bytes.Equal(old, users) {
			fresh[g] = old
		}
	}
	c.byGateway, c.routedFor, c.routedAt = fresh, &members[0], time.Now()
	return fresh
}
