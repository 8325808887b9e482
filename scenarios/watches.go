package scenarios

import (
	"fmt"
	"slices"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/workload"
	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/client"
)

// watch has each device watch so many others, over all connections that it will have.
func (f *fleet) watch() error {
	rec := f.run.rec
	for u, d := range f.devices {
		for _, partner := range partners(f.run.play.Plan, u, f.run.play.Watches) {
			p := f.devices[partner]
			d.watches = append(d.watches, p.userID)
			rec.Record(history.Event{Kind: history.Watching, Device: d.id, User: p.user})
		}
		if len(d.watches) == 0 {
			continue
		}
		if err := d.client.Subscribe(d.watches...); err != nil {
			return fmt.Errorf("device %s watches %d users: %w", d.name, len(d.watches), err)
		}
	}
	return nil
}

// partners are at most so many users whom a user may watch: those who come next in conversations that are small enough,
// so that everybody is watched by somebody.
func partners(p workload.Plan, user, most int) (others []int) {
	for after := 1; after < chat.MaxSocialGroup; after++ {
		for _, c := range p.Conversations {
			if len(others) == most {
				return others
			}
			at := slices.Index(c.Members, user)
			if at < 0 || len(c.Members) > chat.MaxSocialGroup || after >= len(c.Members) {
				continue
			}
			if other := c.Members[(at+after)%len(c.Members)]; !slices.Contains(others, other) {
				others = append(others, other)
			}
		}
	}
	return others
}

// recordPresence notes what a device is told of each user.
func (d *device) recordPresence(e client.Event, h history.Event) {
	rec := d.fleet.run.rec
	h.Kind = history.Presence
	for _, p := range e.Online {
		word := "offline"
		if p.Online {
			word = "online"
		}
		h.User, h.Text = rec.UUID(p.UserID), rec.Text(word)
		rec.Record(h)
	}
}
