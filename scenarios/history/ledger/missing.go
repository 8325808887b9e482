package ledger

import (
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
)

// Delivery is a message that a device of a member should have.
type Delivery struct {
	Identity  history.ID
	Message   *Message
	Device    history.ID
	Connected bool          // the device is connected at the deadline: it should have shown the message; else history should have it
	Since     time.Duration // since when the device wants to be connected
}

// Missing visits the acknowledged messages that a member's device lacks at the end, and returns how many deliveries
// were judged. A device that is connected at the deadline should have shown everything sent since it first connected;
// the last reading of history of any other device should hold everything. A history that ends before its deadline
// judges no connected device.
func (v *Views) Missing(visit func(Delivery)) (judged int64) {
	devices := v.owned()
	for n, spans := range v.Members.All {
		conversation, user := v.Members.Keys[n].A, v.Members.Keys[n].B
		if book := v.Books.Find(conversation); book != nil {
			for _, d := range devices[user] {
				judged += v.missing(d, conversation, book, spans, visit)
			}
		}
	}
	return judged
}

// Complete makes a view for each member's device, also where nothing was seen.
func (v *Views) Complete() {
	devices := v.owned()
	for _, member := range v.Members.Keys {
		for _, d := range devices[member.B] {
			v.Views.Number(d, member.A)
		}
	}
}

// owned is the devices of each user.
func (v *Views) owned() map[history.ID][]history.ID {
	of := make(map[history.ID][]history.ID)
	for n, d := range v.Devices.All {
		of[d.Owner] = append(of[d.Owner], v.Devices.IDs[n])
	}
	return of
}

func (v *Views) missing(id, conversation history.ID, book *Book, spans []Span, visit func(Delivery)) int64 {
	device, view := *v.Devices.Find(id), v.Views.Find(id, conversation)
	if view == nil {
		view = &View{}
	}
	have := view.Shown
	switch {
	case device.Connected && !v.Devices.ended: // it has time left
		return 0
	case device.Connected:
	case !view.ReadDone:
		return 0
	default:
		have = view.Read
	}
	book.Acked.Without(have, func(local int32) {
		n := book.Messages[local]
		m := &v.Messages.All[n]
		if Sees(spans, m.Seq) && (!device.Connected || m.SentAt >= device.First) {
			visit(Delivery{v.Messages.IDs[n], m, id, device.Connected, device.Since})
		}
	})
	return book.Acked.Count()
}
