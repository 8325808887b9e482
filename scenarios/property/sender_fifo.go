package property

import (
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// SenderFIFO promises that what a device sent after the acknowledgement of another of its messages stands after that
// one: by seq, or by the store's order where there is none. Sends that were in flight together are not ordered.
func SenderFIFO() Property {
	return Property{
		Name:    "sender-fifo",
		Promise: "A sender's messages keep the order in which they were sent.",
		New:     func(n Names) Checker { return &senderFIFO{evidence: evidence{names: n}} },
	}
}

type senderFIFO struct {
	evidence
	sends   ledger.Rows[sent]    // by client_msg_id
	streams ledger.Pairs[[]step] // of (device, conversation): sends and acknowledgements as they happened
	store   storeOrder
}

type sent struct {
	stream int32
	sent   bool
	seq    int64
	at     time.Duration
}

// step is one send, or one acknowledgement.
type step struct {
	send  int32 // row in sends
	acked bool
}

func (c *senderFIFO) Observe(e *history.Event) {
	switch e.Kind {
	case history.Send:
		stream, n := c.streams.Number(e.Device, e.Conversation), c.sends.Number(e.ClientMsg)
		if m := &c.sends.All[n]; !m.sent {
			m.stream, m.sent, m.at = stream, true, e.At
			c.streams.All[stream] = append(c.streams.All[stream], step{send: n})
		}
	case history.Acked:
		if n := c.sends.Number(e.ClientMsg); c.sends.All[n].sent {
			stream := c.sends.All[n].stream
			c.streams.All[stream] = append(c.streams.All[stream], step{n, true})
		}
	case history.Raw, history.Shown, history.Read, history.Stored:
		if e.Seq != 0 && e.ClientMsg != 0 {
			if m := c.sends.Of(e.ClientMsg); m.seq == 0 {
				m.seq = e.Seq
			}
		}
		c.store.observe(e)
	case history.StoreRead:
		c.store.observe(e)
	}
}

func (c *senderFIFO) Verdict() Verdict {
	expected := "a message sent after the acknowledgement of another by the same device stands after it"
	var pairs, judged int64
	for n, steps := range c.streams.All {
		p, j := c.stream(n, steps)
		pairs, judged = pairs+p, judged+j
	}
	switch {
	case pairs == 0:
		return unknown(expected, "no device sent one message after the acknowledgement of another")
	case judged == 0:
		return unknown(expected, "%s, and the store was not read at the end", noSeq)
	}
	return c.verdict(expected, "%d of %s out of order", c.breaks, count(judged, "message sent after an acknowledged one"))
}

// stream judges one device's messages of one conversation; pairs counts those that follow an acknowledged one, judged
// those of them whose places are known.
func (c *senderFIFO) stream(n int, steps []step) (pairs, judged int64) {
	var acked bool
	var high int64 // greatest place acknowledged so far
	var highest int32
	for _, s := range steps {
		at := c.place(s.send)
		switch {
		case s.acked:
			acked = true
			if at > high {
				high, highest = at, s.send
			}
			continue
		case !acked:
			continue
		}
		if pairs++; at == 0 || high == 0 {
			continue
		}
		if judged++; at < high {
			c.add(c.sends.All[s.send].at, "%v sent %v to %v after %v was acknowledged: place %d comes before place %d",
				c.streams.Keys[n].A, c.sends.IDs[s.send], c.streams.Keys[n].B, c.sends.IDs[highest], at, high)
		}
	}
	return pairs, judged
}

// place is where a message stands in its conversation; 0 if nobody saw it.
func (c *senderFIFO) place(n int32) int64 {
	if seq := c.sends.All[n].seq; seq != 0 {
		return seq
	}
	return c.store.order(c.sends.IDs[n])
}
