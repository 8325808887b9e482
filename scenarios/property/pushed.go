package property

import (
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// pushed is what both properties of notifications look at: who was sent what, who was connected, and who was notified.
type pushed struct {
	evidence
	views   ledger.Views
	links   connections
	notices ledger.Pairs[[]time.Duration] // of (device, conversation)
	told    int64
}

func (c *pushed) observe(e *history.Event) {
	c.views.Observe(e)
	if c.views.Devices.Ended() {
		return
	}
	c.links.observe(e)
	if e.Kind == history.Notified {
		c.told++
		at := c.notices.Of(e.Device, e.Conversation)
		*at = append(*at, e.At)
	}
}

// phones are the devices of each user that were connected once: before, none has registered with anybody.
func (c *pushed) phones() map[history.ID][]history.ID {
	of := map[history.ID][]history.ID{}
	for n, d := range c.views.Devices.All {
		if id := c.views.Devices.IDs[n]; c.links.ever(id) {
			of[d.Owner] = append(of[d.Owner], id)
		}
	}
	return of
}

// writer is the user who sent a message.
func (c *pushed) writer(m *ledger.Message) history.ID {
	if d := c.views.Devices.Find(m.Device); d != nil {
		return d.Owner
	}
	return 0
}
