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
	Live int64 `json:"live"` // shown within a second
	Late int64 `json:"late"` // shown later, or not by the deadline
	// Seconds are those in whose messages more than a tenth of the deliveries were late. One of few messages may be one message.
	Seconds int64  `json:"late_seconds"`
	After   Number `json:"after_s"` // from the fault to the end of the last second in whose messages more than a tenth of the deliveries were late
	// Within is the same where only messages count that were sent before the last fault ended.
	Within Number `json:"within_s"`
	// Return is from the last fault's end to the end of the last such second after it: what it costs to bring back what was lost.
	Return Number `json:"return_s"`
}

type healing struct {
	begun   time.Duration
	ended   time.Duration // the last fault's end; 0: none has ended
	faulted bool
	live    bins[float64] // deliveries, by the second since the fault in which their messages were intended
	late    bins[float64]
	n       Healing
}

func (h *healing) observe(e *history.Event, v *ledger.Views) {
	if e.Kind == history.FaultBegun && !h.faulted {
		h.begun, h.faulted = e.At, true
	}
	if e.Kind == history.FaultEnded {
		h.ended = e.At
	}
	if m := v.Fresh; m != nil && m.Sent && m.Device != e.Device {
		h.count(m, e.At-max(m.Intended, v.Devices.Of(e.Device).Since))
	}
}

func (h *healing) count(m *ledger.Message, took time.Duration) {
	if !h.faulted || m.Intended < h.begun {
		return
	}
	second := int((m.Intended - h.begun) / time.Second)
	if took <= late {
		h.n.Live++
		*h.live.at(second)++
		return
	}
	h.n.Late++
	*h.late.at(second)++
}

// result adds what never came.
func (h *healing) result(v *ledger.Views) Healing {
	deadline, _ := v.Phases.Deadline()
	v.Missing(func(x ledger.Delivery) {
		if x.Connected && x.Device != x.Message.Device {
			h.count(x.Message, deadline-max(x.Message.Intended, x.Since))
		}
	})
	for second, n := range h.late.all {
		if n > 0.1*(n+*h.live.at(second)) {
			h.n.Seconds++
			h.n.After = Number(second + 1)
			end := h.begun + time.Duration(second+1)*time.Second
			if h.ended == 0 || end <= h.ended {
				h.n.Within = h.n.After
			} else {
				h.n.Return = Number((end - h.ended).Seconds())
			}
		}
	}
	return h.n
}
