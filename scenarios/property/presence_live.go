package property

import (
	"fmt"
	"time"
)

// PresenceLive promises that who is there is shown online: when a time has passed since a user connected and stayed, the
// last word of every watcher that is connected is that the user is online, and remains so.
func PresenceLive(f Freshness) Property {
	return Property{
		Name:    "presence-live",
		Promise: "Who has come and stays is shown online, soon and for as long as that is so, to everybody who watches.",
		New: func(n Names) Checker {
			c := &watching{evidence: evidence{names: n}, fresh: f}
			c.rule = c.here
			return &presenceLive{c}
		},
	}
}

type presenceLive struct{ *watching }

func (c *watching) here(w *watcher, u *watched, v *view) (due time.Duration, wrong, applies bool) {
	due = max(u.since, w.since, v.since) + c.fresh.Online
	if c.returned > 0 {
		due = max(due, c.returned+c.fresh.Again)
	}
	return due, !v.online, u.connected > 0
}

func (c *presenceLive) Verdict() Verdict {
	return c.verdict(fmt.Sprintf("everybody told to be online who has been there for %v", c.fresh.Online), "nobody who is watched was there for so long")
}
