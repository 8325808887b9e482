package measure

import (
	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// Notices counts the notifications that push providers took in a phase.
type Notices struct {
	Phase  string `json:"phase"`
	All    int64  `json:"all"`
	Online int64  `json:"online"` // for devices that were connected in that moment
}

// notices counts by phase.
type notices struct{ all []Notices }

func (n *notices) observe(e *history.Event, v *ledger.Views) {
	if e.Kind != history.Notified || v.Devices.Ended() {
		return
	}
	at := n.of(v.Phases.Name(v.Phases.Index(e.At)))
	at.All++
	if d := v.Devices.Find(e.Device); d != nil && d.Connected {
		at.Online++
	}
}

func (n *notices) of(phase string) *Notices {
	for i := range n.all {
		if n.all[i].Phase == phase {
			return &n.all[i]
		}
	}
	n.all = append(n.all, Notices{Phase: phase})
	return &n.all[len(n.all)-1]
}
