package network

import (
	"sync"
	"time"
)

// deadline ends the waiting of one direction of one end. It is guarded by the lock of its cond.
type deadline struct {
	cond   *sync.Cond
	at     time.Time
	timer  *time.Timer // made once, reset after that: drivers set a deadline for each operation
	passed bool
}

func (d *deadline) set(t time.Time) {
	d.stop()
	d.at, d.passed = t, false
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	switch {
	case wait <= 0:
		d.pass()
	case d.timer == nil:
		d.timer = time.AfterFunc(wait, d.fire)
	default:
		d.timer.Reset(wait)
	}
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
	d.at = time.Time{}
}

// fire may come late, when the deadline has been moved already.
func (d *deadline) fire() {
	d.cond.L.Lock()
	defer d.cond.L.Unlock()
	if !d.at.IsZero() && !time.Now().Before(d.at) {
		d.pass()
	}
}

func (d *deadline) pass() {
	d.passed = true
	d.cond.Broadcast()
}
