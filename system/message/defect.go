package message

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// withDefect wraps a write path in a known mistake, so that mutation tests can prove that the lab's properties see it.
func withDefect(name string, w writer) writer {
	switch name {
	case "lost_write", "late_write", "ack_early", "ghost_write", "write_refused", "refuse_some", "refusal_mute":
		return &defect{writer: w, name: name}
	}
	return w
}

type defect struct {
	writer
	name string
	n    atomic.Int64
}

// write makes the mistake with every fifth message.
func (d *defect) write(ctx context.Context, m chat.Message, members []chat.ID) error {
	if d.n.Add(1)%5 != 0 {
		return d.writer.write(ctx, m, members)
	}
	refusal := chat.Errorf(chat.CodeGroupLimit, "defect %s", d.name)
	switch d.name {
	case "lost_write": // acknowledged, never written
		return nil
	case "late_write": // acknowledged before it is written: a later send overtakes it
		time.AfterFunc(time.Second, func() { _ = d.writer.write(context.WithoutCancel(ctx), m, members) })
		return nil
	case "ack_early": // acknowledged before it is written, though only others are quick enough to overtake it
		time.AfterFunc(300*time.Millisecond, func() { _ = d.writer.write(context.WithoutCancel(ctx), m, members) })
		return nil
	case "ghost_write": // written once more, as if another had been sent
		ghost := m
		ghost.ID, ghost.ClientMsgID = chat.NewID(), chat.NewClientMsgID(m.CreatedAt)
		if err := d.writer.write(ctx, ghost, members); err != nil {
			return err
		}
	case "write_refused": // written, and refused
		if err := d.writer.write(ctx, m, members); err != nil {
			return err
		}
		return refusal.After(time.Second)
	case "refuse_some":
		return refusal.After(time.Second)
	case "refusal_mute": // without a word of when to come back
		return refusal
	}
	return d.writer.write(ctx, m, members)
}

// forgets says whether the pod takes a read cursor and does not tell the inbox of it.
func forgets(mutant string) bool { return mutant == "read_forgotten" }

// shares says whether those who wait for the same page share one read of it.
func shares(s chat.Switches) bool { return s.SingleFlight && s.Mutant != "reads_unshared" }

// mislay takes a message out of a page of history.
func mislay(mutant string, page []chat.Message) []chat.Message {
	if mutant != "history_skips" || len(page) < 3 {
		return page
	}
	return append(page[:1:1], page[2:]...)
}

// membership is what the user may see, unless there is a defect about that: everything.
func (s *Service) membership(ctx context.Context, k memberKey) (chat.Membership, error) {
	if s.cfg.Switches.Mutant == "history_to_outsider" {
		return chat.Membership{ConversationID: k.conversation}, nil
	}
	return s.memberships.get(ctx, k)
}
