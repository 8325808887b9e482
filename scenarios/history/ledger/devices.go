package ledger

import (
	"time"

	"github.com/chatlab/chatlab/scenarios/history"
)

// closeNormal is the WebSocket code of a device that left by itself.
const closeNormal = 1000

// Device is one device of a user.
type Device struct {
	Owner     history.ID
	Connected bool          // at the deadline
	Ever      bool          // was connected once
	First     time.Duration // when it first was
	Since     time.Duration // since when it wants to be connected: a lost connection does not change it, leaving does
	left      bool
	told      bool // that it has to leave: the connection is lost to it, whoever ends it
}

// Left says whether the device went by its own wish and is not back.
func (d *Device) Left() bool { return d.left }

// Devices knows all devices.
type Devices struct {
	Rows[Device]
	ended bool
}

// Ended says whether the deadline has passed.
func (d *Devices) Ended() bool { return d.ended }

// Observe takes notice of an event. What happens after the deadline does not count.
func (d *Devices) Observe(e *history.Event, name Names) {
	switch e.Kind {
	case history.Phase:
		d.ended = d.ended || name(e.Text) == End
	case history.DeviceKnown:
		d.Of(e.Device).Owner = e.User
	case history.Connected, history.Resumed, history.Disconnected, history.Draining:
		if !d.ended {
			d.Of(e.Device).change(e)
		}
	}
}

func (d *Device) change(e *history.Event) {
	switch e.Kind {
	case history.Draining:
		d.told = true
		return
	case history.Disconnected:
		d.Connected, d.left = false, d.left || e.CloseCode == closeNormal && !d.told
		return
	}
	if !d.Ever {
		d.First = e.At
	}
	if !d.Ever || d.left {
		d.Since = e.At
	}
	d.Connected, d.Ever, d.left, d.told = true, true, false, false
}
