package placement

import (
	"encoding/json"
	"slices"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/wire"
)

// Conversation is one conversation before the next record of its partition.
type Conversation struct {
	ID        chat.ID
	partition int32
	order     *order.State
	members   []chat.ID // replaced, never changed: whoever asked holds it
}

// Members are those who are in the conversation here.
func (c *Conversation) Members() []chat.ID { return c.members }

// Take gives a record its place and says who may see it. A repeat has its place already. The content of a change of
// members becomes what it really changes, so that it can be undone and says what happened.
func (c *Conversation) Take(rec wire.Record, r kafka.Record) (m chat.Message, members []chat.ID, repeat bool, err error) {
	place, repeat, err := c.order.Place(order.Record{
		Partition: c.partition, Offset: r.Offset, Time: r.Time, Sender: rec.SenderID, ClientMsgID: rec.ClientMsgID,
	})
	if err != nil || repeat {
		return m, nil, repeat, err
	}
	m = rec.Message()
	m.Place = place
	switch m.Type {
	case chat.TypeMembersAdded, chat.TypeMembersRemoved:
		users := Effective(c.members, m.Type, Changed(m))
		content, err := json.Marshal(users)
		if err != nil {
			return m, nil, false, err
		}
		m.Content = string(content)
		return m, c.change(m.Type, users), false, nil
	}
	return m, c.members, false, nil
}

// change applies a change and returns those who may see it: who is removed sees that.
func (c *Conversation) change(kind string, users []chat.ID) []chat.ID {
	before := c.members
	if kind == chat.TypeMembersRemoved {
		c.members = without(before, users)
		return before
	}
	c.members = append(slices.Clone(before), users...)
	return c.members
}

// Effective leaves of a change what changes something: no member is added again, no stranger removed, no group overfull.
func Effective(members []chat.ID, kind string, users []chat.ID) []chat.ID {
	adds := kind == chat.TypeMembersAdded
	out := []chat.ID{}
	for _, u := range users {
		switch {
		case slices.Contains(members, u) == adds, slices.Contains(out, u):
		case adds && len(members)+len(out) >= chat.MaxMembers:
		default:
			out = append(out, u)
		}
	}
	return out
}

// undo returns the members before a stored change, whether or not they show it yet.
func undo(members []chat.ID, m chat.Message) []chat.ID {
	users := Changed(m)
	rest := without(members, users)
	if m.Type == chat.TypeMembersRemoved {
		return append(rest, users...)
	}
	return rest
}

func without(members, users []chat.ID) []chat.ID {
	return slices.DeleteFunc(slices.Clone(members), func(u chat.ID) bool { return slices.Contains(users, u) })
}
