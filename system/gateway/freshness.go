package gateway

import "time"

// Shares of the presence TTL.
const (
	refreshes = 3  // of a device that gives signs of life, at most, within the TTL
	pings     = 3  // of a device that is silent, within the TTL
	gathers   = 60 // calls that renew many devices, at most, within the TTL
)

// Freshness bounds how old it can be what devices are told of presence. To each comes the time of the calls themselves, at
// most Limits.Call each. While presence is away nothing is told, a sign of life waits for it up to a third of the TTL, and
// Again says when all is right after it.
type Freshness struct {
	Online  time.Duration // from a device's resumed until all who watch its user are told
	Offline time.Duration // from the last sign of life of a user's last device until they are told
	Lapse   time.Duration // from that sign until presence forgets the device
	Again   time.Duration // from the return of a store, which may have lost everything, until all is told as it is
}

// Freshness is what a gateway with this configuration keeps.
func (c Config) Freshness() Freshness {
	c = c.withDefaults()
	gather, watch, ping := c.PresenceTTL/gathers, c.Limits.Watch, c.Limits.Ping
	lapse := gather + c.PresenceTTL
	return Freshness{
		Online: watch, Lapse: lapse, Offline: lapse + watch,
		Again: c.PresenceTTL/refreshes + ping + sweepEvery(ping) + gather + watch,
	}
}

// sweepEvery is how late a ping may be.
func sweepEvery(ping time.Duration) time.Duration { return min(time.Second, ping/20) }
