package cassandra

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

// writesAtOnce bounds the statements of one call that are under way together.
const writesAtOnce = 16

// Create stores a conversation and its members' entries. The conversation's own row comes last: nobody can send to a
// conversation of which a member does not know.
func (s *Store) Create(ctx context.Context, c chat.Conversation) error {
	err := s.eachMember(ctx, c.Members, func(ctx context.Context, user chat.ID) error {
		return s.s.Query(insertUserConversation, gocql.UUID(user), gocql.UUID(c.ID), int64(0), int64(0), int64(0)).WithContext(ctx).Exec()
	})
	if err == nil {
		err = s.s.Query(insertConversation, gocql.UUID(c.ID), c.Kind, uuids(c.Members), c.LastMessageAt, c.CreatedAt).WithContext(ctx).Exec()
	}
	if err != nil {
		return fmt.Errorf("create conversation: %w", err)
	}
	return nil
}

// Conversation reads one; a missing one is CodeNotFound.
func (s *Store) Conversation(ctx context.Context, id chat.ID) (chat.Conversation, error) {
	c := chat.Conversation{ID: id}
	var members []gocql.UUID
	err := s.s.Query(selectConversation, gocql.UUID(id)).WithContext(ctx).Scan(&c.Kind, &members, &c.LastMessageAt, &c.CreatedAt)
	switch {
	case errors.Is(err, gocql.ErrNotFound), err == nil && c.Kind == "": // a row of which only an update is left
		return c, chat.Errorf(chat.CodeNotFound, "conversation %s does not exist", id)
	case err != nil:
		return c, fmt.Errorf("read conversation: %w", err)
	}
	c.Members = make([]chat.ID, len(members))
	for i, m := range members {
		c.Members[i] = chat.ID(m)
	}
	return c, nil
}

// leftWithoutSeq is the left_seq of who left a conversation whose messages have no seq.
const leftWithoutSeq = -1

// AddMembers lets users see the places from place on. It may be repeated, and come later than a later change.
func (s *Store) AddMembers(ctx context.Context, conv chat.ID, users []chat.ID, place chat.Place) error {
	at := int64(order.TicksOfUUID(place.Timestamp))
	err := s.eachMember(ctx, users, func(ctx context.Context, user chat.ID) error {
		before := max(place.Seq-1, 0) // neither seen nor unread
		return s.s.Query(joinUserConversation, gocql.UUID(user), gocql.UUID(conv), before, int64(0), before, at).WithContext(ctx).Exec()
	})
	if err == nil {
		err = s.s.Query(addParticipants, at, uuids(users), gocql.UUID(conv)).WithContext(ctx).Exec()
	}
	if err != nil {
		return fmt.Errorf("add members: %w", err)
	}
	return nil
}

// RemoveMembers lets users see the places up to place and no further. It may be repeated, and come later than a later change.
func (s *Store) RemoveMembers(ctx context.Context, conv chat.ID, users []chat.ID, place chat.Place) error {
	at, left := int64(order.TicksOfUUID(place.Timestamp)), cmp.Or(place.Seq, leftWithoutSeq)
	err := s.eachMember(ctx, users, func(ctx context.Context, user chat.ID) error {
		return s.s.Query(leaveUserConversation, at, left, gocql.UUID(user), gocql.UUID(conv)).WithContext(ctx).Exec()
	})
	if err == nil {
		err = s.s.Query(removeParticipants, at, uuids(users), gocql.UUID(conv)).WithContext(ctx).Exec()
	}
	if err != nil {
		return fmt.Errorf("remove members: %w", err)
	}
	return nil
}

func (s *Store) eachMember(ctx context.Context, users []chat.ID, do func(context.Context, chat.ID) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(writesAtOnce)
	for _, u := range users {
		g.Go(func() error { return do(ctx, u) })
	}
	return g.Wait()
}

// TouchConversation notes when something was last said.
func (s *Store) TouchConversation(ctx context.Context, conv chat.ID, at time.Time) error {
	if err := s.s.Query(updateLastMessageAt, at, gocql.UUID(conv)).WithContext(ctx).Exec(); err != nil {
		return fmt.Errorf("update last_message_at: %w", err)
	}
	return nil
}

// Memberships reads which conversations a user is or was in, and what the user's inbox says of them.
func (s *Store) Memberships(ctx context.Context, user chat.ID) ([]chat.Membership, error) {
	it := s.s.Query(selectUserConversations, gocql.UUID(user)).WithContext(ctx).Iter()
	var out []chat.Membership
	for {
		var conv, ts gocql.UUID
		var last, read *int64 // nil: nobody has written it
		var m chat.Membership
		if !it.Scan(&conv, &m.JoinedSeq, &m.LeftSeq, &last, &ts, &read) {
			break
		}
		m.ConversationID = chat.ID(conv)
		if last != nil && *last != unknownSeq {
			m.Newest = &chat.Position{ConversationID: m.ConversationID, Seq: *last, Timestamp: chat.ID(ts)}
		}
		m.ReadSeq = read
		out = append(out, m)
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("read memberships: %w", err)
	}
	return out, nil
}

// Membership reads what a user may see of a conversation; a stranger gets CodeNotMember.
func (s *Store) Membership(ctx context.Context, user, conv chat.ID) (chat.Membership, error) {
	m := chat.Membership{ConversationID: conv}
	err := s.s.Query(selectUserConversation, gocql.UUID(user), gocql.UUID(conv)).WithContext(ctx).Scan(&m.JoinedSeq, &m.LeftSeq)
	switch {
	case errors.Is(err, gocql.ErrNotFound):
		return m, chat.NotMember(conv)
	case err != nil:
		return m, fmt.Errorf("read membership: %w", err)
	}
	return m, nil
}

func uuids(ids []chat.ID) []gocql.UUID {
	out := make([]gocql.UUID, len(ids))
	for i, id := range ids {
		out[i] = gocql.UUID(id)
	}
	return out
}
