package scenarios

import (
	"fmt"
	"math/rand/v2"

	"github.com/chatlab/chatlab/scenarios/load"
	"github.com/chatlab/chatlab/system/chat"
)

// shares says why load processes cannot hold a play's devices. The events of a process keep their order, those of two do
// not: a message that is shown before it is sent would be none. So all members of a conversation share a process.
func shares(p Play) error {
	if p.Processes == 0 {
		return nil
	}
	if len(p.Plan.Past)+len(p.Plan.Changes) > 0 {
		return fmt.Errorf("%d load processes: a plan with a past or with guests needs its devices in the lab's own process", p.Processes)
	}
	for _, a := range p.Plan.Absences {
		if a.To > 0 {
			return fmt.Errorf("%d load processes: user %d comes back, and what that costs is measured in the lab's own process alone", p.Processes, a.User)
		}
	}
	for _, c := range p.Plan.Conversations {
		for _, m := range c.Members {
			if p.processOf(m) != p.processOf(c.Members[0]) {
				return fmt.Errorf("%d load processes: members of conversation %s are in several: want users numbered by conversation", p.Processes, c.Name)
			}
		}
	}
	return nil
}

// processOf shares users out in the order of their numbers.
func (p Play) processOf(user int) int { return user * p.Processes / p.Plan.Users }

// moveOut starts the load processes, if there are any, and makes the devices' phones there.
func (f *fleet) moveOut() error {
	r := f.run
	defects, err := defectsOf(r.variant.Defect)
	if err != nil {
		return err
	}
	sw := r.variant.Switches
	for range r.play.Processes {
		p, err := load.Start(load.Setup{
			EdgeURL: r.sys.EdgeURL(), Names: r.sys.Network().Names, Sync: sw.Sync, Reconnect: sw.Reconnect, HeartbeatBy: sw.HeartbeatBy,
			NoReceipts: !sw.Receipts, Final: []chat.Code{chat.CodeGroupLimit, chat.CodeUserLimit}, Defects: defects,
		}, nil)
		if err != nil {
			return err
		}
		f.loads = append(f.loads, p)
	}
	if len(f.loads) == 0 {
		return nil
	}
	seeds := rand.New(rand.NewPCG(r.opt.Seed, 0x10AD))
	for u, d := range f.devices {
		token, err := r.sys.Token(d.userID)
		if err != nil {
			return fmt.Errorf("make token of %s: %w", d.name, err)
		}
		d.phone, err = f.loads[r.play.processOf(u)].Phone(load.Login{
			User: d.userID, Token: token, Watch: d.watches, Seed: [2]uint64{seeds.Uint64(), seeds.Uint64()},
		}, d.observe)
		if err != nil {
			return err
		}
	}
	return nil
}

// usage is what the load processes have used.
func (f *fleet) usage() (us []Usage) {
	for i, p := range f.loads {
		cpu, rss := p.Usage()
		us = append(us, Usage{Process: fmt.Sprintf("lab-load-%d", i+1), CPUSeconds: cpu, RSSBytes: rss})
	}
	return us
}
