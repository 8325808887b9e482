package property

import (
	"fmt"
	"time"
)

// PresenceSafe promises that nobody is taken for online for long who is gone: when a time has passed since the last
// connection of a user ended, or was last tried, no watcher that is connected was told last that the user is online. A
// watcher that has just connected itself has the time in which it is told of anybody.
func PresenceSafe(f Freshness) Property {
	return Property{
		Name:    "presence-safe",
		Promise: "Who has been gone for longer than presence takes to notice is shown online to nobody.",
		New: func(n Names) Checker {
			c := &watching{evidence: evidence{names: n}, fresh: f}
			c.rule = c.gone
			return &presenceSafe{c}
		},
	}
}

type presenceSafe struct{ *watching }

func (c *watching) gone(w *watcher, u *watched, v *view) (due time.Duration, wrong, applies bool) {
	due = max(u.since+c.fresh.Offline, w.since+c.fresh.Online)
	if c.returned > 0 {
		due = max(due, c.returned+c.fresh.Online)
	}
	return due, v.online, u.connected == 0
}

func (c *presenceSafe) Verdict() Verdict {
	return c.verdict(fmt.Sprintf("nobody told to be online who has been gone for %v", c.fresh.Offline), "nobody who is watched was gone for so long")
}
