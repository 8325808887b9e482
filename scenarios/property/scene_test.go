package property

import (
	"cmp"
	"slices"
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
)

// scene is what was so at a moment of visits, as somebody knows who reads the history from its beginning.
type scene struct {
	now      time.Duration
	returned time.Duration // when the last fault ended; 0: none has
	faulty   bool
	ended    bool
	here     map[history.ID]time.Duration // devices, since when
	gone     map[history.ID]time.Duration // the others that were here
	devices  map[history.ID]history.ID    // of users
	watches  []watch
	said     map[history.ID][]said // in conversations
	shown    map[pair]time.Duration
}

type watch struct {
	pair
	since time.Duration
}

type said struct{ message, device history.ID }

// sceneAfter is what is so when an event has happened.
func (s *taken) sceneAfter(e *history.Event) *scene {
	c := &scene{
		here: map[history.ID]time.Duration{}, gone: map[history.ID]time.Duration{}, devices: map[history.ID]history.ID{},
		said: map[history.ID][]said{}, shown: map[pair]time.Duration{},
	}
	for _, o := range s.events[:s.index(e)+1] {
		c.now = o.At
		c.connection(&o)
		switch o.Kind {
		case history.Phase:
			c.ended = s.names[o.Text] == "end"
		case history.DeviceKnown:
			c.devices[o.User] = o.Device
		case history.Watching:
			c.watches = append(c.watches, watch{pair{o.Device, o.User}, o.At})
		case history.FaultBegun:
			c.faulty = true
		case history.FaultEnded:
			c.faulty, c.returned = false, o.At
		case history.Send:
			c.said[o.Conversation] = append(c.said[o.Conversation], said{o.ClientMsg, o.Device})
		case history.Shown:
			c.shown[pair{o.Device, o.ClientMsg}] = o.At
		}
	}
	return c
}

func (c *scene) connection(e *history.Event) {
	_, here := c.here[e.Device]
	switch {
	case e.Kind == history.Connecting && !here:
		c.gone[e.Device] = e.At
	case e.Kind == history.Connected:
		c.here[e.Device] = e.At
		delete(c.gone, e.Device)
	case e.Kind == history.Disconnected:
		c.gone[e.Device] = e.At
		delete(c.here, e.Device)
	}
}

// waited says that a time has passed since all of these moments.
func (c *scene) waited(d time.Duration, since ...time.Duration) bool {
	for _, at := range since {
		if c.now <= at+d {
			return false
		}
	}
	return true
}

// goneForLong are those who watch somebody who is gone, and have to know it.
func (c *scene) goneForLong() (all []pair) {
	for _, w := range c.watches {
		watching, up := c.here[w.device]
		left, gone := c.gone[c.devices[w.other]]
		if up && gone && !c.faulty && !c.ended && c.waited(freshOffline, left) && c.waited(freshOnline, watching, c.returned) {
			all = append(all, w.pair)
		}
	}
	return all
}

// hereForLong are those who watch somebody who is there, and have to know it.
func (c *scene) hereForLong() (all []pair) {
	for _, w := range c.watches {
		watching, up := c.here[w.device]
		came, here := c.here[c.devices[w.other]]
		known := c.returned == 0 || c.waited(freshAgain, c.returned)
		if up && here && !c.faulty && !c.ended && known && c.waited(freshOnline, came, watching, w.since) {
			all = append(all, w.pair)
		}
	}
	return all
}

// onScreen are devices with a conversation in which others said something, all of which they have confirmed.
func onScreen(s *taken, e *history.Event) (all []pair) {
	c := s.sceneAfter(e)
	for _, device := range c.devices {
		came, here := c.here[device]
		for conversation, said := range c.said {
			if here && !c.ended && c.confirmed(device, came, said) {
				all = append(all, pair{device, conversation})
			}
		}
	}
	slices.SortFunc(all, func(a, b pair) int { return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.other, b.other)) })
	return all
}

func (c *scene) confirmed(device history.ID, came time.Duration, all []said) bool {
	others := 0
	for _, m := range all {
		if m.device == device {
			continue
		}
		others++
		if at, shown := c.shown[pair{device, m.message}]; !shown || !c.waited(spuriousReceipt, at, came) {
			return false
		}
	}
	return others > 0
}
