package placement

import (
	"context"
	"slices"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
)

// TellInboxes writes what is newest into the row of each member, once its own row is there: a device that comes back
// learns with one read what is new in all its conversations. In a big group those would be hundreds of writes a message,
// so there the conversation is asked instead, and inboxes forget it in the moment in which the group becomes big.
func TellInboxes(ctx context.Context, store *cassandra.Store, members []chat.ID, ms ...chat.Message) error {
	last := ms[len(ms)-1]
	if len(members) <= chat.MaxSocialGroup {
		return store.SetNewest(ctx, members, last)
	}
	if slices.ContainsFunc(ms, func(m chat.Message) bool { return m.Type == chat.TypeMembersAdded }) {
		return store.UnsetNewest(ctx, members, last)
	}
	return nil
}
