package message

import (
	"context"
	"slices"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

// newestPlaces are those that a pod keeps of a conversation in which cursors lag.
const (
	newestPlaces = 256
	maxPlaces    = 2000 // conversations
)

// ground puts claims onto places that exist, whatever devices say: a cursor never covers what was not stored yet. It
// returns what may stand, and the indexes of claims that lie beyond the newest place and stand there for now.
func (s *Service) ground(ctx context.Context, c chat.Conversation, claims []claim) (stand []chat.Cursor, short []int32, err error) {
	head, err := s.headFor(ctx, c.ID, claims)
	if err != nil {
		return nil, nil, err
	}
	for _, cl := range claims {
		at, err := s.placeOf(ctx, c, head, cl.Position)
		if err != nil {
			return nil, nil, err
		}
		if beyond(cl.Position, head) {
			short = append(short, cl.index)
		}
		if at.Timestamp != (chat.ID{}) {
			cl.Position = at
			stand = append(stand, cl.Cursor)
		}
	}
	return stand, short, nil
}

// headFor reads the newest place again if a claim lies beyond the one that is remembered.
func (s *Service) headFor(ctx context.Context, conv chat.ID, claims []claim) (chat.Position, error) {
	head, err := s.heads.get(ctx, conv)
	if err == nil && slices.ContainsFunc(claims, func(c claim) bool { return beyond(c.Position, head.Position) }) {
		s.heads.forget(conv)
		head, err = s.heads.get(ctx, conv)
	}
	return head.Position, err
}

// beyond says whether a claim names a place after the newest one.
func beyond(p, head chat.Position) bool {
	if p.Seq > 0 {
		return p.Seq > head.Seq
	}
	return laterTimeUUID(p.Timestamp, head.Timestamp)
}

// placeOf returns the newest place at or before the one claimed; the zero position: there is none. Where there is a seq
// it decides, and the timestamp is that of storage.
func (s *Service) placeOf(ctx context.Context, c chat.Conversation, head, p chat.Position) (chat.Position, error) {
	at := chat.Position{ConversationID: c.ID}
	switch {
	case beyond(p, head) || p.Seq > 0 && p.Seq == head.Seq || p.Seq == 0 && p.Timestamp == head.Timestamp:
		return head, nil
	case head.Seq == 0: // this write path orders by timestamps
		at.Timestamp = p.Timestamp
		return at, nil
	}
	known, err := s.places.get(ctx, c.ID)
	if err != nil {
		return at, err
	}
	if i := slices.IndexFunc(known, func(r order.Row) bool { return p.Seq > 0 && r.Seq == p.Seq || p.Seq == 0 && r.Timestamp == p.Timestamp }); i >= 0 {
		at.Seq, at.Timestamp = known[i].Seq, known[i].Timestamp
		return at, nil
	}
	if p.Timestamp != (chat.ID{}) {
		seq, ok, err := s.cfg.Store.SeqAt(ctx, c.ID, p.Timestamp)
		if err != nil || ok && (p.Seq == 0 || p.Seq == seq) {
			at.Seq, at.Timestamp = seq, p.Timestamp
			return at, err
		}
	}
	if p.Seq == 0 {
		return s.before(ctx, c.ID, order.TicksOfUUID(p.Timestamp)+1)
	}
	return s.seek(ctx, c.ID, p.Seq, order.TicksOfUUID(head.Timestamp))
}

// before returns the newest place before a tick.
func (s *Service) before(ctx context.Context, conv chat.ID, t order.Ticks) (chat.Position, error) {
	p := chat.Position{ConversationID: conv}
	ms, err := s.cfg.Store.Before(ctx, conv, order.TimeUUID(t, 0, 0), 1)
	if len(ms) > 0 {
		p.Seq, p.Timestamp = ms[0].Place.Seq, ms[0].Place.Timestamp
	}
	return p, err
}

// seek looks for a place by halving the time in which it must lie: one row a step, and no more steps than ticks have
// bits. Only who names an old place without its timestamp makes it necessary.
func (s *Service) seek(ctx context.Context, conv chat.ID, seq int64, high order.Ticks) (chat.Position, error) {
	for low := order.Ticks(0); low <= high; {
		middle := low + (high-low)/2
		p, err := s.before(ctx, conv, middle+1)
		switch {
		case err != nil || p.Seq == seq:
			return p, err
		case p.Seq < seq:
			low = middle + 1
		default:
			high = order.TicksOfUUID(p.Timestamp) - 1
		}
	}
	return chat.Position{ConversationID: conv}, nil // no such place: nothing moves
}
