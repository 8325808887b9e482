package placement

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
)

// sendersAtOnce bounds the rows of senders that are written together.
const sendersAtOnce = 16

// TellInboxes writes what is newest into the row of each member, once its own row is there: a device that comes back
// learns with one read what is new in all its conversations. In a big group those would be hundreds of writes a message,
// so there the conversation is asked instead, and inboxes forget it in the moment in which the group becomes big. What
// was read the rows say in any case, so each sender's own has to.
func TellInboxes(ctx context.Context, store *cassandra.Store, members []chat.ID, ms ...chat.Message) error {
	last, said := ms[len(ms)-1], map[chat.ID]chat.Message{}
	for _, m := range ms {
		said[m.SenderID] = m
	}
	if len(members) <= chat.MaxSocialGroup {
		if err := store.SetNewest(ctx, members, last); err != nil {
			return err
		}
		delete(said, last.SenderID) // is told with the newest
	} else if slices.ContainsFunc(ms, func(m chat.Message) bool { return m.Type == chat.TypeMembersAdded }) {
		if err := store.UnsetNewest(ctx, members, last); err != nil {
			return err
		}
	}
	return tellSenders(ctx, store, said)
}

// tellSenders lets each sender have read what stands before the own message.
func tellSenders(ctx context.Context, store *cassandra.Store, said map[chat.ID]chat.Message) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sendersAtOnce)
	for user, m := range said {
		at := chat.Position{ConversationID: m.ConversationID, Seq: m.Place.Seq, Timestamp: m.Place.Timestamp}
		g.Go(func() error { return store.SetRead(ctx, chat.Cursor{Position: at, User: user, Kind: chat.Read}) })
	}
	return g.Wait()
}
