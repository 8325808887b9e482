package cassandra

import (
	"context"
	"errors"
	"fmt"

	"github.com/gocql/gocql"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

// cursorsInBatch keeps a batch at about 10 KB.
const cursorsInBatch = 100

// Advance moves cursors, each of which must have its place's timestamp. Writes may come in any order and any number of
// times: the one with the latest place stands.
func (s *Store) Advance(ctx context.Context, cursors []chat.Cursor) error {
	for start := 0; start < len(cursors); {
		end := start + 1 // batches stay in one partition
		for end < len(cursors) && end-start < cursorsInBatch && cursors[end].ConversationID == cursors[start].ConversationID {
			end++
		}
		if err := s.advance(ctx, cursors[start:end]); err != nil {
			return fmt.Errorf("write %d cursors: %w", end-start, err)
		}
		start = end
	}
	return nil
}

func (s *Store) advance(ctx context.Context, cursors []chat.Cursor) error {
	if len(cursors) == 1 {
		return s.s.Query(insertCursor, cursorValues(cursors[0])...).WithContext(ctx).Exec()
	}
	b := s.s.NewBatch(gocql.UnloggedBatch).WithContext(ctx)
	for _, c := range cursors {
		b.Entries = append(b.Entries, gocql.BatchEntry{Stmt: insertCursor, Args: cursorValues(c), Idempotent: true})
	}
	return s.s.ExecuteBatch(b)
}

func cursorValues(c chat.Cursor) []any {
	return []any{
		gocql.UUID(c.ConversationID), gocql.UUID(c.User), c.Device, c.Kind, c.Seq, gocql.UUID(c.Timestamp),
		order.TicksOfUUID(c.Timestamp).Time().UnixMicro(),
	}
}

// Cursors reads those of everybody who is or was in a conversation, one for each device and kind.
func (s *Store) Cursors(ctx context.Context, conv chat.ID) ([]chat.Cursor, error) {
	it := s.s.Query(selectCursors, gocql.UUID(conv)).WithContext(ctx).Iter()
	var out []chat.Cursor
	var user, ts gocql.UUID
	c := chat.Cursor{Position: chat.Position{ConversationID: conv}}
	for it.Scan(&user, &c.Device, &c.Kind, &c.Seq, &ts) {
		c.User, c.Timestamp = chat.ID(user), chat.ID(ts)
		out = append(out, c)
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("read cursors: %w", err)
	}
	return out, nil
}

// UserCursors reads one user's cursors in a conversation.
func (s *Store) UserCursors(ctx context.Context, conv, user chat.ID) ([]chat.Cursor, error) {
	it := s.s.Query(selectUserCursors, gocql.UUID(conv), gocql.UUID(user)).WithContext(ctx).Iter()
	var out []chat.Cursor
	var ts gocql.UUID
	c := chat.Cursor{Position: chat.Position{ConversationID: conv}, User: user}
	for it.Scan(&c.Device, &c.Kind, &c.Seq, &ts) {
		c.Timestamp = chat.ID(ts)
		out = append(out, c)
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("read cursors of a user: %w", err)
	}
	return out, nil
}

// Places returns the newest places and who sent what stands there, in conversation order. Content is not read.
func (s *Store) Places(ctx context.Context, conv chat.ID, limit int) ([]order.Row, error) {
	it := s.s.Query(selectPlaces, gocql.UUID(conv)).PageSize(limit).Prefetch(0).WithContext(ctx).Iter()
	out := make([]order.Row, 0, min(limit, it.NumRows()))
	var ts, sender, cid gocql.UUID
	var row order.Row
	for len(out) < limit && it.Scan(&ts, &row.Seq, &row.Offset, &sender, &cid, nil) {
		row.Timestamp, row.Sender, row.ClientMsgID = chat.ID(ts), chat.ID(sender), chat.ID(cid)
		out = append(out, row)
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("read places: %w", err)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out, nil
}

// SeqAt returns the seq of the message that stands at a timestamp; false: none does.
func (s *Store) SeqAt(ctx context.Context, conv, timestamp chat.ID) (seq int64, ok bool, err error) {
	err = s.s.Query(selectSeq, gocql.UUID(conv), gocql.UUID(timestamp)).WithContext(ctx).Scan(&seq)
	if errors.Is(err, gocql.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read place: %w", err)
	}
	return seq, true, nil
}
