package scenarios

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
)

// seenBefore is how long before what was missed the message stands that everybody has seen.
const seenBefore = 24 * time.Hour

// writePast stores what is older than the run: of each conversation the one message that everybody has seen, or those
// that were missed. The rows are what the system would have left; that the messages were sent and acknowledged when
// they were made is recorded, so that every promise covers them.
func (f *fleet) writePast(ctx context.Context, missed bool) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	now := time.Now()
	for _, p := range f.run.play.Plan.Past {
		g.Go(func() error {
			for i, c := range f.convs {
				if c.Name == p.Conversation {
					return f.writePastOf(ctx, i, p, now, missed)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (f *fleet) writePastOf(ctx context.Context, conv int, p workload.Past, now time.Time, missed bool) error {
	c := f.convs[conv]
	times := []time.Time{now.Add(-p.From - seenBefore)}
	if missed {
		times = times[:0]
		for i := range p.Messages {
			times = append(times, now.Add(-p.From+time.Duration(i+1)*(p.From-p.To)/time.Duration(p.Messages)))
		}
	}
	present := f.run.play.Plan.Present(conv)
	ms := make([]chat.Message, len(times))
	for i, at := range times {
		sender := f.devices[present[i%len(present)]]
		m := chat.Message{
			ConversationID: c.id, SenderID: sender.userID, ClientMsgID: chat.NewClientMsgID(at), Type: chat.TypeText,
			Content: strings.Repeat("x", p.Bytes), CreatedAt: at.UTC().Truncate(time.Millisecond),
		}
		m.ID = chat.MessageID(m.SenderID, m.ClientMsgID)
		ms[i] = m
		f.recordPast(sender, m)
	}
	members := make([]chat.ID, len(c.Members))
	for i, u := range c.Members {
		members[i] = f.devices[u].userID
	}
	if err := f.run.sys.WritePast(ctx, c.id, members, ms); err != nil {
		return fmt.Errorf("conversation %s: %w", c.Name, err)
	}
	return nil
}

func (f *fleet) recordPast(d *device, m chat.Message) {
	rec := f.run.rec
	conv, cid := rec.UUID(m.ConversationID), rec.UUID(m.ClientMsgID)
	rec.Record(history.Event{Kind: history.Send, Device: d.id, Sender: d.user, Conversation: conv, ClientMsg: cid, Intended: rec.At(m.CreatedAt)})
	rec.Record(history.Event{Kind: history.Acked, Device: d.id, ClientMsg: cid, Message: rec.UUID(m.ID)})
}
