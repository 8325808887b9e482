package property

import (
	"math"
	"sort"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// never is later than all that a history tells.
const never = time.Duration(math.MaxInt64)

// connections are those of each device until the deadline, in the order of time, with the attempts that came to nothing.
type connections struct{ ledger.Rows[[]connection] }

// connection is one of a device.
type connection struct {
	tried time.Duration // when the device began to make it: from then on the system may take it for connected
	from  time.Duration // never: it did not get so far
	to    time.Duration // never: it lasts
}

func (c *connections) observe(e *history.Event) {
	switch e.Kind {
	case history.Connecting, history.Connected, history.Disconnected:
		all := c.Of(e.Device)
		*all = changed(*all, e)
	}
}

func changed(all []connection, e *history.Event) []connection {
	if len(all) == 0 || all[len(all)-1].to != never {
		if e.Kind == history.Disconnected {
			return all
		}
		all = append(all, connection{tried: e.At, from: never, to: never})
	}
	last := &all[len(all)-1]
	switch {
	case e.Kind == history.Disconnected:
		last.to = e.At
	case e.Kind == history.Connected && last.from == never:
		last.from = e.At
	}
	return all
}

// of is the connections of a device from the one on that ends after a moment.
func (c *connections) of(device history.ID, after time.Duration) []connection {
	all := c.Find(device)
	if all == nil {
		return nil
	}
	return (*all)[sort.Search(len(*all), func(i int) bool { return (*all)[i].to > after }):]
}

// away says whether none of the devices had a connection in a time or tried to have one.
func (c *connections) away(devices []history.ID, from, to time.Duration) bool {
	for _, d := range devices {
		if next := c.of(d, from); len(next) > 0 && next[0].tried <= to {
			return false
		}
	}
	return true
}

// ever says whether a device was connected once.
func (c *connections) ever(device history.ID) bool {
	for _, l := range c.of(device, 0) {
		if l.from != never {
			return true
		}
	}
	return false
}
