package fanout

import (
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/order"
)

// sentDevice is the device that has read what a user's own messages say that the user has read.
const sentDevice = "sent"

// ownReads says how far the senders of one conversation's messages have read by sending them: who writes has read what
// stands before. It is a function of places, so a worker that repeats records says the same again. Where messages have no
// seq nothing is counted, and it says nothing.
func ownReads(ms []chat.Message) (cursors []chat.Cursor) {
	at := map[chat.ID]int{}
	for _, m := range ms {
		if m.Place.Seq == 0 {
			continue
		}
		i, known := at[m.SenderID]
		if !known {
			i = len(cursors)
			at[m.SenderID] = i
			cursors = append(cursors, chat.Cursor{User: m.SenderID, Device: sentDevice, Kind: chat.Read})
		}
		if m.Place.Seq > cursors[i].Seq {
			cursors[i].Position = chat.Position{ConversationID: m.ConversationID, Seq: m.Place.Seq, Timestamp: m.Place.Timestamp}
		}
	}
	return cursors
}

// countOwn lets the senders of places have read them, as the table says too.
func (c *tally) countOwn(places []order.Row) {
	for _, p := range places {
		c.count(chat.Cursor{User: p.Sender, Kind: chat.Read, Position: chat.Position{Seq: p.Seq}})
	}
}
