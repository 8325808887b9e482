package fanout

import (
	"context"
	"time"

	"github.com/chatlab/chatlab/system/cassandra"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/kafka"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/wire"
)

// tally counts how far the members of one conversation have come.
type tally struct {
	id       chat.ID
	progress chat.Progress // nil: to be recovered from the table, in which every record's cursors stand already
	waiting  bool          // a record has come, and progress is to be recovered
	low      int64         // the lowest and
	high     int64         // the highest place over which a cursor has moved since senders were told; 0: none
	first    kafka.Record  // that nobody was told of
	told     time.Time
}

func (c *tally) dueAt() time.Time { return c.told.Add(receiptEvery) }

func (c *tally) moved() bool { return c.high > 0 }

// note keeps what a record says. Cursors without a seq are not counted: their path numbers no messages.
func (c *tally) note(rec wire.ReceiptRecord) {
	for _, r := range rec.Recipients {
		if r.Seq <= 0 {
			continue
		}
		if c.progress == nil {
			c.waiting = true
			return
		}
		c.count(chat.Cursor{User: r.RecipientID, Device: r.Device, Kind: rec.Status, Position: chat.Position{Seq: r.Seq}})
	}
}

// clear forgets what cannot be told: what everybody has is read again when the next record comes.
func (c *tally) clear() { c.progress, c.waiting, c.low, c.high = nil, false, 0, 0 }

func (c *tally) count(cursor chat.Cursor) {
	from, to := c.progress.Note(cursor)
	if from.Delivered != to.Delivered {
		c.widen(from.Delivered+1, to.Delivered)
	}
	if from.Read != to.Read {
		c.widen(from.Read+1, to.Read)
	}
}

func (c *tally) widen(low, high int64) {
	if c.high == 0 || low < c.low {
		c.low = low
	}
	c.high = max(c.high, high)
}

// recover reads how far everybody has come, once.
func (c *tally) recover(ctx context.Context, store *cassandra.Store) error {
	if c.progress != nil {
		return nil
	}
	cursors, err := store.Cursors(ctx, c.id)
	if err != nil {
		return err
	}
	c.begin(cursors)
	return nil
}

// begin counts what the table holds. Anybody may have moved over any place since senders were told: the records that led
// here say it of some, and those that are still to come find their cursors counted.
func (c *tally) begin(cursors []chat.Cursor) {
	c.progress, c.waiting = chat.Progress{}, false
	for _, cursor := range cursors {
		c.progress.Note(cursor)
		c.widen(1, cursor.Seq)
	}
}

// frame is what the senders of places over which a cursor has moved are told, and who they are. Places are the newest
// ones, in order.
func (c *tally) frame(places []order.Row, members []chat.ID) (wire.ServerFrame, []chat.ID) {
	counter := c.progress.Counter(members)
	f := wire.ServerFrame{Type: wire.TypeReceipt, ConversationID: c.id, Members: max(0, len(members)-1)}
	isMember := make(map[chat.ID]bool, len(members))
	for _, m := range members {
		isMember[m] = true
	}
	var senders []chat.ID
	told := map[chat.ID]bool{}
	var all []wire.Receipt
	for _, p := range places {
		if p.Seq < c.low || p.Seq > c.high || !isMember[p.Sender] { // nobody is left to be told of a place whose sender is gone
			continue
		}
		delivered, read := counter.At(p.Seq, p.Sender)
		all = append(all, wire.Receipt{Seq: p.Seq, Delivered: delivered, Read: read})
		if !told[p.Sender] {
			told[p.Sender] = true
			senders = append(senders, p.Sender)
		}
	}
	f.Receipts = points(all)
	return f, senders
}

// points thins receipts to those after which the counts change, the newest always, and spreads them if they are too many.
func points(all []wire.Receipt) []wire.Receipt {
	var steps []wire.Receipt
	for i, r := range all {
		if i == len(all)-1 || r.Delivered != all[i+1].Delivered || r.Read != all[i+1].Read {
			steps = append(steps, r)
		}
	}
	if len(steps) <= receiptPoints {
		return steps
	}
	out := make([]wire.Receipt, receiptPoints)
	for i := range out {
		out[i] = steps[i*(len(steps)-1)/(receiptPoints-1)]
	}
	return out
}
