package cassandra

import (
	"context"
	"fmt"

	"github.com/gocql/gocql"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

// unknownSeq in a member's row says that the conversation itself must be asked for its newest place.
const unknownSeq = -1

// SetNewest tells the inboxes of members which message is the newest in a conversation; each of them must have a row.
// Whose message it is has read it. It may be repeated, and come later than a later one: the last one by place stands.
func (s *Store) SetNewest(ctx context.Context, members []chat.ID, m chat.Message) error {
	at, conv, ts := int64(order.TicksOfUUID(m.Place.Timestamp)), gocql.UUID(m.ConversationID), gocql.UUID(m.Place.Timestamp)
	return s.tellInboxes(ctx, members, func(user chat.ID) *gocql.Query {
		if user == m.SenderID {
			return s.s.Query(ownUserConversation, at, m.Place.Seq, ts, m.Place.Seq, gocql.UUID(user), conv)
		}
		return s.s.Query(newestUserConversation, at, m.Place.Seq, ts, gocql.UUID(user), conv)
	})
}

// UnsetNewest makes the inboxes of members forget, from a message on, which one is the newest: from then on the
// conversation is asked.
func (s *Store) UnsetNewest(ctx context.Context, members []chat.ID, m chat.Message) error {
	at, conv, ts := int64(order.TicksOfUUID(m.Place.Timestamp)), gocql.UUID(m.ConversationID), gocql.UUID(m.Place.Timestamp)
	return s.tellInboxes(ctx, members, func(user chat.ID) *gocql.Query {
		return s.s.Query(newestUserConversation, at, int64(unknownSeq), ts, gocql.UUID(user), conv)
	})
}

func (s *Store) tellInboxes(ctx context.Context, members []chat.ID, query func(user chat.ID) *gocql.Query) error {
	err := s.eachMember(ctx, members, func(ctx context.Context, user chat.ID) error { return query(user).WithContext(ctx).Exec() })
	if err != nil {
		return fmt.Errorf("tell %d inboxes: %w", len(members), err)
	}
	return nil
}

// SetRead tells a member's inbox how far the conversation was read, by a read cursor that stands on a stored place. It
// may be repeated, and come later than a later one.
func (s *Store) SetRead(ctx context.Context, c chat.Cursor) error {
	at := int64(order.TicksOfUUID(c.Timestamp))
	if err := s.s.Query(readUserConversation, at, c.Seq, gocql.UUID(c.User), gocql.UUID(c.ConversationID)).WithContext(ctx).Exec(); err != nil {
		return fmt.Errorf("tell inbox what was read: %w", err)
	}
	return nil
}
