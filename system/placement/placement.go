// Package placement tells any reader of the log where each message stands in its conversation and who may see it.
//
// Both are pure functions of the log's prefix. A reader that replays, wakes after a long freeze, or is another role than
// the one that stores, computes what the first one did: state is recovered from the rows as it was before an offset.
// That needs the rows before the offset and no later ones, so a reader stays at or behind what the fan-out committed.
package placement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
)

// Places is what one reader knows of the conversations of a partition, until it says Clear. It is for one goroutine.
type Places struct {
	store     *cassandra.Store
	partition int32
	byID      map[chat.ID]*Conversation
}

// New starts with nothing known.
func New(store *cassandra.Store, partition int32) *Places {
	return &Places{store: store, partition: partition, byID: map[chat.ID]*Conversation{}}
}

// Get returns the conversation as it is before the record at offset. An error means that storage did not answer.
func (p *Places) Get(ctx context.Context, id chat.ID, offset int64) (*Conversation, error) {
	if c, ok := p.byID[id]; ok {
		return c, nil
	}
	c, err := p.recover(ctx, id, offset)
	if err != nil {
		return nil, fmt.Errorf("recover conversation: %w", err)
	}
	p.byID[id] = c
	return c, nil
}

// recover reads the members before the rows: a change that they show already has its row by then, and is undone.
func (p *Places) recover(ctx context.Context, id chat.ID, offset int64) (*Conversation, error) {
	c := &Conversation{ID: id, partition: p.partition}
	now, err := p.store.Conversation(ctx, id)
	var refusal *chat.Error
	if err != nil && !(errors.As(err, &refusal) && refusal.Code == chat.CodeNotFound) {
		return nil, err
	} // what does not exist has a log all the same: its records get their places, and nobody to see them
	past, err := p.store.Recover(ctx, id, offset)
	if err != nil {
		return nil, err
	}
	c.order, c.members = past.Order, now.Members
	for _, m := range past.Later {
		c.members = undo(c.members, m)
	}
	return c, nil
}

// Forget drops a conversation's state, for a record that was taken and is passed over all the same: every reader passes
// over it. The rows of what was taken before it must be stored when the next one is asked for.
func (p *Places) Forget(id chat.ID) { delete(p.byID, id) }

// Clear drops all state, which is recovered from the rows when it is needed: those of all that was taken must be stored.
func (p *Places) Clear() { clear(p.byID) }

// Known is of how many conversations there is state.
func (p *Places) Known() int { return len(p.byID) }

// Changed reads whom a message of a change of members names.
func Changed(m chat.Message) (users []chat.ID) {
	if m.Type == chat.TypeMembersAdded || m.Type == chat.TypeMembersRemoved {
		_ = json.Unmarshal([]byte(m.Content), &users) // written by a message pod; anything else names nobody
	}
	return users
}

// Apply stores what messages change about who is a member. It may be repeated, by any reader and in any order: a change
// is written with the time of its place, so that the last one by place stands.
func Apply(ctx context.Context, store *cassandra.Store, ms ...chat.Message) error {
	for _, m := range ms {
		users := Changed(m)
		var err error
		switch {
		case len(users) == 0:
		case m.Type == chat.TypeMembersAdded:
			err = store.AddMembers(ctx, m.ConversationID, users, m.Place)
		default:
			err = store.RemoveMembers(ctx, m.ConversationID, users, m.Place)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
