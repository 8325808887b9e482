package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

const (
	readPageWithin = 30 * time.Second // for one page at the end
	readersAtOnce  = 8                // devices
)

// quiesce waits, within a bound, until what was still on its way when the sends stopped has got its place: a send whose
// outcome is unknown may arrive after its sender gave up, and what arrives while store, pages and counters are read one
// after the other makes each of them tell of another moment.
func (r *run) quiesce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.patience())
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for still := 0; still < 5; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		lag, err := r.sys.Lag(ctx)
		if still++; err != nil || most(lag) > 0 {
			still = 0
		}
	}
}

// readBack records what the store holds, what every device reads in history and what it is told to be unread.
func (r *run) readBack(ctx context.Context) error {
	if r.play.Replicas {
		if err := r.readReplicas(ctx); err != nil {
			return err
		}
	}
	for _, c := range r.fleet.convs {
		if err := r.readStore(ctx, c); err != nil {
			return fmt.Errorf("read store: %w", err)
		}
	}
	g, reads := errgroup.WithContext(ctx)
	g.SetLimit(readersAtOnce)
	for _, c := range r.fleet.convs {
		for _, m := range c.Members {
			g.Go(func() error { return r.readAs(reads, r.fleet.devices[m], c, false) })
		}
		for _, m := range r.strangers(c) {
			g.Go(func() error { return r.readAs(reads, r.fleet.devices[m], c, true) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return r.readUnread(ctx)
}

// strangers are users who may be refused: the guests, and one who never was in the conversation.
func (r *run) strangers(c conversation) []int {
	guests := r.play.Plan.Guests(c.Name)
	for u := range r.fleet.devices {
		if !slices.Contains(c.Members, u) && !slices.Contains(guests, u) {
			return append(guests, u)
		}
	}
	return guests
}

// readAs reads as a user. That a stranger is refused is no event: what it is answered is.
func (r *run) readAs(ctx context.Context, d *device, c conversation, stranger bool) error {
	err := r.readHistory(ctx, d, c)
	if err == nil && !stranger {
		err = r.readNewestPage(ctx, d, c)
	}
	var refusal *chat.Error
	if stranger && errors.As(err, &refusal) && refusal.Code == chat.CodeNotMember {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read history of %s as %s: %w", c.Name, d.name, err)
	}
	return nil
}

func (r *run) readStore(ctx context.Context, c conversation) error {
	conv, n := r.rec.UUID(c.id), int64(0)
	err := r.sys.Stored(ctx, c.id, func(m chat.Message) {
		n++
		h := r.sighting(history.Stored, conv, m)
		h.Order, h.Offset = n, m.Place.Offset
		r.noticed(c.id, m.Type, m.Place.Seq, m.Content)
		r.rec.Record(h)
	})
	if err == nil {
		r.rec.Record(history.Event{Kind: history.StoreRead, Conversation: conv, Count: n})
	}
	return err
}

func (r *run) readHistory(ctx context.Context, d *device, c conversation) error {
	conv, n := r.rec.UUID(c.id), int64(0)
	from := client.Range{FromStart: true, Limit: chat.MaxHistoryLimit}
	for {
		page, more, err := d.readPage(ctx, c, from)
		if err != nil {
			return err
		}
		for _, m := range page {
			h := r.sighting(history.Read, conv, m)
			h.Device = d.id
			r.rec.Record(h)
			n++
		}
		if !more || len(page) == 0 {
			break
		}
		from = client.Range{After: page[len(page)-1].Place.Timestamp, Limit: chat.MaxHistoryLimit}
	}
	r.rec.Record(history.Event{Kind: history.HistoryRead, Device: d.id, Conversation: conv, Count: n})
	return nil
}

// readPage asks again while it is told to: what devices read at the end must not depend on how busy the machine is.
func (d *device) readPage(ctx context.Context, c conversation, from client.Range) (page []chat.Message, more bool, err error) {
	err = persist(ctx, func(ctx context.Context) (err error) { page, more, err = d.client.History(ctx, c.id, from); return err })
	return page, more, err
}

// persist asks again, within a bound, while the system says that it makes sense to.
func persist(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readPageWithin)
	defer cancel()
	for {
		err := ask(ctx)
		var refusal *chat.Error
		if !errors.As(err, &refusal) || !client.Retryable(refusal.Code) || !sleep(ctx, max(refusal.RetryAfter, 100*time.Millisecond)) {
			return err
		}
	}
}

func (r *run) sighting(kind history.Kind, conv history.ID, m chat.Message) history.Event {
	h := history.Event{
		Kind: kind, Conversation: conv, Seq: m.Place.Seq, Sender: r.rec.UUID(m.SenderID),
		ClientMsg: r.rec.UUID(m.ClientMsgID), Message: r.rec.UUID(m.ID),
	}
	if m.Type != chat.TypeText {
		h.Text = r.rec.Text(m.Type)
	}
	return h
}
