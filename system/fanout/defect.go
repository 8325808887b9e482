package fanout

import (
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire"
)

// defect makes a known mistake, so that mutation tests can prove that the lab's properties see it.
func (w *Worker) defect(it item) []item {
	if !it.placed {
		return []item{it}
	}
	seq := it.message.Place.Seq
	switch {
	case w.cfg.Switches.Mutant == "push_twice" && seq%5 == 0:
		return []item{it, it}
	case w.cfg.Switches.Mutant == "seq_skips" && seq >= 20: // one place is missing from then on
		it.message.Place.Seq++
		it.frame = wire.Encode(wire.MessageFrame(it.message))
	case w.cfg.Switches.Mutant == "phantom" && seq%20 == 0: // a message that nobody sent
		it.message.ClientMsgID = chat.NewClientMsgID(it.message.CreatedAt)
		it.message.ID = chat.NewID()
		it.frame = wire.Encode(wire.MessageFrame(it.message))
	case w.cfg.Switches.Mutant == "push_lost" && seq%10 == 0: // stored, never pushed
		it.members = nil
	}
	return []item{it}
}
