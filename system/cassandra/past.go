package cassandra

import (
	"context"
	"fmt"

	"github.com/gocql/gocql"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

// Past is what the rows tell of a conversation as it was before a record.
type Past struct {
	Order *order.State
	Later []chat.Message // changes of members that somebody stored from that record on, newest first
}

// Recover reads a conversation's past, as it was before the record at offset.
func (s *Store) Recover(ctx context.Context, conv chat.ID, offset int64) (p Past, err error) {
	rec := order.Recover(offset)
	it := s.s.Query(selectPlaces, gocql.UUID(conv)).PageSize(500).WithContext(ctx).Iter()
	var ts, sender, cid gocql.UUID
	var row order.Row
	var kind string
	for it.Scan(&ts, &row.Seq, &row.Offset, &sender, &cid, &kind) {
		row.Timestamp, row.Sender, row.ClientMsgID = chat.ID(ts), chat.ID(sender), chat.ID(cid)
		if row.Offset >= offset && (kind == chat.TypeMembersAdded || kind == chat.TypeMembersRemoved) {
			p.Later = append(p.Later, chat.Message{Type: kind, Place: chat.Place{Timestamp: row.Timestamp}})
		}
		if !rec.Add(row) {
			break
		}
	}
	if err := it.Close(); err != nil {
		return p, fmt.Errorf("read places: %w", err)
	}
	for i := range p.Later {
		m := &p.Later[i]
		err := s.s.Query(selectContent, gocql.UUID(conv), gocql.UUID(m.Place.Timestamp)).WithContext(ctx).Scan(&m.Content)
		if err != nil {
			return p, fmt.Errorf("read change of members: %w", err)
		}
	}
	p.Order = rec.State()
	return p, nil
}
