package cassandra

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gocql/gocql"

	"github.com/chatlab/chatlab/system/chat"
)

// maxBatchBytes keeps a batch well under what a commit log segment takes, and its latency near that of one row.
const maxBatchBytes = 40 << 10

// Insert stores messages of one conversation; the same message again changes nothing. ErrRefused says that one of
// them can never be stored.
func (s *Store) Insert(ctx context.Context, ms ...chat.Message) error {
	for len(ms) > 0 {
		n := fitting(ms)
		if err := s.insert(ctx, ms[:n]); err != nil {
			return fmt.Errorf("insert %d messages: %w", n, s.blame(ctx, ms[0], err))
		}
		ms = ms[n:]
	}
	return nil
}

// fitting says how many messages go into one batch, at least one.
func fitting(ms []chat.Message) int {
	size := 0
	for i, m := range ms {
		if size += len(m.Content) + 150; size > maxBatchBytes && i > 0 {
			return i
		}
	}
	return len(ms)
}

func (s *Store) insert(ctx context.Context, ms []chat.Message) error {
	for _, m := range ms {
		if err := Check(m); err != nil {
			return err
		}
	}
	if len(ms) == 1 {
		return s.s.Query(insertMessage, messageValues(ms[0])...).WithContext(ctx).Exec()
	}
	b := s.s.NewBatch(gocql.UnloggedBatch).WithContext(ctx)
	for _, m := range ms {
		b.Entries = append(b.Entries, gocql.BatchEntry{Stmt: insertMessage, Args: messageValues(m), Idempotent: true})
	}
	return s.s.ExecuteBatch(b)
}

func messageValues(m chat.Message) []any {
	return []any{
		gocql.UUID(m.ConversationID), gocql.UUID(m.Place.Timestamp), gocql.UUID(m.ID), gocql.UUID(m.SenderID), m.Content, m.Type,
		m.CreatedAt, m.Place.Seq, m.Place.Partition, m.Place.Offset, gocql.UUID(m.ClientMsgID),
	}
}

// Newest returns the newest messages, in conversation order.
func (s *Store) Newest(ctx context.Context, conv chat.ID, limit int) ([]chat.Message, error) {
	ms, err := s.messages(ctx, selectNewest, gocql.UUID(conv), limit)
	return reversed(ms), err
}

// Before returns the messages just before a timestamp, in conversation order.
func (s *Store) Before(ctx context.Context, conv, timestamp chat.ID, limit int) ([]chat.Message, error) {
	ms, err := s.messages(ctx, selectBefore, gocql.UUID(conv), gocql.UUID(timestamp), limit)
	return reversed(ms), err
}

// After returns the messages just after a timestamp, in conversation order.
func (s *Store) After(ctx context.Context, conv, timestamp chat.ID, limit int) ([]chat.Message, error) {
	return s.messages(ctx, selectAfter, gocql.UUID(conv), gocql.UUID(timestamp), limit)
}

func (s *Store) messages(ctx context.Context, stmt string, args ...any) ([]chat.Message, error) {
	it := s.s.Query(stmt, args...).WithContext(ctx).Iter()
	var out []chat.Message
	for {
		m, ok := scanMessage(it)
		if !ok {
			break
		}
		out = append(out, m)
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return out, nil
}

func scanMessage(it *gocql.Iter) (m chat.Message, ok bool) {
	var conv, ts, id, sender, cid gocql.UUID
	var at time.Time
	ok = it.Scan(&conv, &ts, &id, &sender, &m.Content, &m.Type, &at, &m.Place.Seq, &m.Place.Partition, &m.Place.Offset, &cid)
	m.ConversationID, m.Place.Timestamp, m.ID = chat.ID(conv), chat.ID(ts), chat.ID(id)
	m.SenderID, m.ClientMsgID, m.CreatedAt = chat.ID(sender), chat.ID(cid), at.UTC()
	return m, ok
}

func reversed(ms []chat.Message) []chat.Message {
	for i, j := 0, len(ms)-1; i < j; i, j = i+1, j-1 {
		ms[i], ms[j] = ms[j], ms[i]
	}
	return ms
}

// Head is the newest place of a conversation, and who has sent what stands there.
type Head struct {
	chat.Position
	Sender chat.ID
}

// Head returns the newest place of a conversation; the zero position if it has none.
func (s *Store) Head(ctx context.Context, conv chat.ID) (Head, error) {
	var ts, sender gocql.UUID
	h := Head{Position: chat.Position{ConversationID: conv}}
	err := s.s.Query(selectHead, gocql.UUID(conv)).WithContext(ctx).Scan(&ts, &h.Seq, &sender)
	if err != nil && !errors.Is(err, gocql.ErrNotFound) {
		return h, fmt.Errorf("read head: %w", err)
	}
	h.Timestamp, h.Sender = chat.ID(ts), chat.ID(sender)
	return h, nil
}
