package property

import (
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// Freshness is how old it may be what devices are told of presence, as the system's gateways state it for a presence TTL,
// with what the calls themselves and the lab's own view of a moment take.
type Freshness struct {
	Online  time.Duration // from when a user has come, or a watcher has connected, until the watcher is told
	Offline time.Duration // from when the last connection of a user has gone, by TTL at the latest, until all watchers are told
	// Again is from the end of a fault until all is told as it is, where a fault takes the presence store away or what it
	// knows; while it lasts nothing is promised. 0: the run's faults touch no presence.
	Again time.Duration
}

// watching knows who watches whom, what they were told last, and who is there. A rule says when the last word had to be
// right, and is asked whenever something has changed: until then all was as it is known.
type watching struct {
	evidence
	fresh    Freshness
	rule     func(*watcher, *watched, *view) (due time.Duration, wrong bool, applies bool)
	watchers ledger.Rows[watcher] // by device
	users    ledger.Rows[watched]
	views    ledger.Pairs[view] // of (device, user)
	faults   int                // under way
	returned time.Duration      // when the last one ended
	ended    bool
	judged   int64
}

// watcher is one device; also of one who watches nobody.
type watcher struct {
	owner     history.ID
	connected bool
	since     time.Duration
	views     []int32
}

// watched is one user; also one whom nobody watches.
type watched struct {
	connected int           // devices
	since     time.Duration // when the first of them came, or the last of them went or tried to come
	views     []int32
}

// view is what a device knows of a user whom it watches.
type view struct {
	word    history.ID // online or offline; 0: it was told nothing
	online  bool
	since   time.Duration // when it began to watch
	told    time.Duration
	settled bool // it is judged as it is now
}

func (c *watching) Observe(e *history.Event) {
	if c.ended {
		return
	}
	switch e.Kind {
	case history.Phase:
		if c.names(e.Text) == ledger.End {
			c.judgeAll(e.At)
			c.ended = true
		}
	case history.DeviceKnown:
		c.watchers.Of(e.Device).owner = e.User
	case history.Watching:
		c.watch(e)
	case history.Presence:
		c.tell(e)
	case history.Connecting, history.Connected, history.Disconnected:
		c.move(e)
	case history.FaultBegun, history.FaultEnded, history.FaultHealed:
		c.fault(e)
	}
}

func (c *watching) watch(e *history.Event) {
	if c.views.Find(e.Device, e.User) != nil {
		return
	}
	n := c.views.Number(e.Device, e.User)
	c.views.All[n].since = e.At
	w, u := c.watchers.Of(e.Device), c.users.Of(e.User)
	w.views, u.views = append(w.views, n), append(u.views, n)
}

func (c *watching) tell(e *history.Event) {
	c.watch(e)
	n := c.views.Number(e.Device, e.User)
	c.judge(n, e.At)
	v := &c.views.All[n]
	v.word, v.online, v.told, v.settled = e.Text, c.names(e.Text) == "online", e.At, false
}

// move takes notice of a connection that begins, is there or has ended.
func (c *watching) move(e *history.Event) {
	w := c.watchers.Of(e.Device)
	u := c.users.Of(w.owner)
	for _, views := range [][]int32{w.views, u.views} {
		for _, n := range views {
			c.judge(n, e.At)
			c.views.All[n].settled = false
		}
	}
	switch {
	case e.Kind == history.Connected && !w.connected:
		w.connected, w.since = true, e.At
		if u.connected++; u.connected == 1 {
			u.since = e.At
		}
	case e.Kind == history.Disconnected && w.connected:
		w.connected = false
		u.connected--
		fallthrough
	default: // an attempt, too, is a sign of life
		if u.connected == 0 {
			u.since = e.At
		}
	}
}

func (c *watching) fault(e *history.Event) {
	if c.fresh.Again == 0 {
		return
	}
	if e.Kind == history.FaultBegun {
		c.judgeAll(e.At)
		c.faults++
		return
	}
	c.returned = e.At
	if e.Kind == history.FaultEnded {
		c.faults--
	}
}

func (c *watching) judgeAll(now time.Duration) {
	for n := range c.views.All {
		c.judge(int32(n), now)
		c.views.All[n].settled = false
	}
}

// judge asks the rule about a view that has been as it is until now.
func (c *watching) judge(n int32, now time.Duration) {
	v, key := &c.views.All[n], c.views.Keys[n]
	w, u := c.watchers.Of(key.A), c.users.Of(key.B)
	if v.settled || !w.connected || c.faults > 0 {
		return
	}
	due, wrong, applies := c.rule(w, u, v)
	if !applies || now <= due {
		return
	}
	v.settled = true
	c.judged++
	if wrong {
		c.witness(key, u, v, due)
	}
}

func (c *watching) witness(key ledger.Pair, u *watched, v *view, due time.Duration) {
	is, word := "gone", "was told nothing"
	if u.connected > 0 {
		is = "there"
	}
	if v.word != 0 {
		word = "was told last, at " + v.told.String() + ", that it is " + c.names(v.word)
	}
	c.add(due, "%v watches %v, who is %v since %v, and %v", key.A, key.B, is, u.since, word)
}

func (c *watching) verdict(expected, nobody string) Verdict {
	if c.judged == 0 {
		return unknown(expected, "%s", nobody)
	}
	return c.evidence.verdict(expected, "%d of %s were wrong for longer", c.breaks, count(c.judged, "view"))
}
