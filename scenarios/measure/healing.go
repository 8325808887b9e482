package measure

import (
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
	"github.com/chatlab/chatlab/scenarios/history/ledger"
)

// late is how long a delivery may take and still count as live.
const late = time.Second

// Healing is how long a fault was felt by those who read: deliveries of messages sent since the first fault began.
type Healing struct {
	Live  int64  `json:"live"`    // shown within a second
	Late  int64  `json:"late"`    // shown later, or not by the deadline
	After Number `json:"after_s"` // from the fault until the last message was sent that came late somewhere; 0: none was
}

type healing struct {
	begun   time.Duration
	faulted bool
	last    time.Duration // when the last late message was intended
	n       Healing
}

func (h *healing) observe(e *history.Event, v *ledger.Views) {
	if e.Kind == history.FaultBegun && !h.faulted {
		h.begun, h.faulted = e.At, true
	}
	if m := v.Fresh; m != nil && m.Sent && m.Device != e.Device {
		h.count(m, e.At-max(m.Intended, v.Devices.Of(e.Device).Since))
	}
}

func (h *healing) count(m *ledger.Message, took time.Duration) {
	switch {
	case !h.faulted || m.Intended < h.begun:
	case took <= late:
		h.n.Live++
	default:
		h.n.Late++
		h.last = max(h.last, m.Intended)
	}
}

// result adds what never came.
func (h *healing) result(v *ledger.Views) Healing {
	deadline, _ := v.Phases.Deadline()
	v.Missing(func(x ledger.Delivery) {
		if x.Connected && x.Device != x.Message.Device {
			h.count(x.Message, deadline-max(x.Message.Intended, x.Since))
		}
	})
	if h.n.Late > 0 {
		h.n.After = seconds(h.last - h.begun)
	}
	return h.n
}
