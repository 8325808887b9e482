package deployment

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/placement"
)

// past gives places to messages that are older than the log.
type past struct {
	mu     sync.Mutex
	orders map[chat.ID]*order.State
	next   int64 // offset; below those of the log, so that workers take the rows for what came before
}

// beforeTheLog is far below every offset of the log.
const beforeTheLog = math.MinInt32

// WritePast stores rows by the system's own sequencer and adapter, but past its write path: that takes the time from
// its clock, and from each user 60 messages a minute, so that a week in it would last hours.
func (s *System) WritePast(ctx context.Context, conv chat.ID, members []chat.ID, ms []chat.Message) error {
	placed, err := s.past.place(conv, s.PartitionOf(conv), ms)
	if err != nil {
		return fmt.Errorf("write past: %w", err)
	}
	if s.spec.Switches.WritePath != chat.WriteLogFirst {
		for i := range placed {
			placed[i].Place = chat.Place{Timestamp: placed[i].Place.Timestamp} // these write paths know no more
		}
	}
	if err := s.rows.Insert(ctx, placed...); err != nil {
		return fmt.Errorf("write past: %w", err)
	}
	if err := s.rows.TouchConversation(ctx, conv, placed[len(placed)-1].CreatedAt); err != nil {
		return fmt.Errorf("write past: %w", err)
	}
	if !s.spec.Switches.Inbox {
		return nil
	}
	return placement.TellInboxes(ctx, s.rows, members, placed...)
}

func (p *past) place(conv chat.ID, partition int, ms []chat.Message) ([]chat.Message, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.orders == nil {
		p.orders = map[chat.ID]*order.State{}
	}
	state := p.orders[conv]
	if state == nil {
		state = order.Recover(beforeTheLog).State()
		p.orders[conv] = state
	}
	out := make([]chat.Message, len(ms))
	for i, m := range ms {
		at, _, err := state.Place(order.Record{
			Partition: int32(partition), Offset: beforeTheLog + p.next, Time: m.CreatedAt, Sender: m.SenderID, ClientMsgID: m.ClientMsgID,
		})
		if err != nil {
			return nil, err
		}
		p.next++
		m.Place = at
		out[i] = m
	}
	return out, nil
}
