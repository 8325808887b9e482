package fanout

import (
	"slices"
	"strings"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
	"github.com/chatlab/chatlab/system/wire"
)

// defect makes a known mistake with the item of a message, so that mutation tests can prove that the lab's properties
// see it.
func (w *Worker) defect(it item) []item {
	seq := it.message.Place.Seq
	switch {
	case w.cfg.Switches.Mutant == "push_to_removed":
		it.members = it.conv.remember(it.members)
	case !it.placed:
	case w.cfg.Switches.Mutant == "placed_twice": // every fifth message takes two places
		twin := it.at(seq + seq/5)
		if seq%5 != 0 {
			return []item{twin}
		}
		twin.message.Place.Timestamp[15]++ // a row of its own
		return []item{it.at(seq + seq/5 - 1), twin}
	case seq%5 != 0:
	case w.cfg.Switches.Mutant == "row_lost": // pushed, never stored
		it.placed = false
	case w.cfg.Switches.Mutant == "row_backdated": // stored before what it answers
		const second = order.Ticks(1e7)
		it.message.Place.Timestamp = order.TimeUUID(order.TicksOfUUID(it.message.Place.Timestamp)-second, 0, it.record.Offset)
	case w.cfg.Switches.Mutant == "push_lost": // stored, never pushed
		it.members = nil
	case w.cfg.Switches.Mutant == "push_twice":
		again := it
		again.placed = false
		return []item{it, again}
	}
	return []item{it}
}

// remember returns all who ever were members: it is a defect of a worker to push to them.
func (c *conversation) remember(members []chat.ID) []chat.ID {
	for _, m := range members {
		if !slices.Contains(c.everybody, m) {
			c.everybody = append(slices.Clone(c.everybody), m)
		}
	}
	return c.everybody
}

// mayPanic panics about one text: a defect for tests of a worker's way around records that it cannot process.
func (w *Worker) mayPanic(text string) {
	if w.cfg.Switches.Mutant == "handling_panics" && text == "panic" {
		panic("a text that this worker cannot bear")
	}
}

// at is the same item at another place.
func (it item) at(seq int64) item {
	it.message.Place.Seq = seq
	it.frame = wire.Encode(wire.MessageFrame(it.message))
	return it
}

// handOver puts a delivery into its gateway's outlet, unless there is a defect about that.
func (w *Worker) handOver(gateway string, it item, d delivery) {
	switch seq := it.message.Place.Seq; w.cfg.Switches.Mutant {
	case "slow_push":
		w.enqueueLater(time.Second, gateway, d)
		return
	case "push_late": // some are overtaken by those that come after them
		if seq%5 == 0 {
			w.enqueueLater(time.Second, gateway, d)
			return
		}
	case "seq_by_gateway": // one counts otherwise than the others from some place on
		if seq >= 5 && strings.HasSuffix(gateway, "-2") {
			d.frame = it.at(seq + 1).frame
		}
	case "receipt_at_push": // its sender hears that everybody has it whom it is pushed to
		if it.placed {
			w.outlets.enqueue(gateway, it.assumed(d))
		}
	}
	w.outlets.enqueue(gateway, d)
}

// assumed is a receipt that nobody waited for.
func (it item) assumed(d delivery) delivery {
	others := len(it.members) - 1
	frame := wire.ServerFrame{Type: wire.TypeReceipt, ConversationID: d.conv, Members: others}
	frame.Receipts = []wire.Receipt{{Seq: it.message.Place.Seq, Delivered: others}}
	return delivery{conv: d.conv, users: it.message.SenderID[:], frame: wire.Encode(frame), at: d.at}
}

// withholds keeps the cache from what comes late.
func (w *cacheWriter) withholds(it item) bool {
	return w.mutant == "cache_stale" && it.message.Place.Seq > 10
}

// misreport makes a mistake with what senders are told.
func (w *Worker) misreport(receipts []wire.Receipt) {
	if w.cfg.Switches.Mutant == "read_when_delivered" {
		for i := range receipts {
			receipts[i].Read = receipts[i].Delivered
		}
	}
}

func (w *Worker) enqueueLater(after time.Duration, gateway string, d delivery) {
	time.AfterFunc(after, func() {
		d.at = time.Now()
		w.outlets.enqueue(gateway, d)
	})
}
