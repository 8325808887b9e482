package client

import (
	"cmp"
	"math/rand/v2"
	"time"

	"github.com/chatlab/chatlab/system/resilience"
)

// immediateFloor keeps the immediate mode from spinning on an address that refuses at once.
const immediateFloor = 10 * time.Millisecond

// backoff is exponential with full jitter: the n-th wait is uniform below min(cap, base * 2^n), so that devices that
// failed together do not return together. Immediate waits only the floor.
type backoff struct {
	immediate bool
	max       time.Duration // 0: that of a device that comes back
	failures  int
	refusals  int // of gateways in a row
}

// maxElsewhere is how many gateways in a row may refuse a device before it waits as they say.
const maxElsewhere = 2

// elsewhere says whether a device whom a gateway does not take may ask for another at once.
func (b *backoff) elsewhere() bool {
	b.refusals++
	return b.refusals <= maxElsewhere
}

func (b *backoff) next(r *rand.Rand) time.Duration {
	if b.immediate {
		return immediateFloor
	}
	pause := resilience.DeviceResume.Policy().Backoff
	limit := cmp.Or(b.max, pause.Max)
	if b.failures < 7 { // 250 ms * 2^7 is beyond the cap
		limit = min(limit, pause.First<<b.failures)
		b.failures++
	}
	return spread(r, limit)
}

func (b *backoff) reset() { b.failures, b.refusals = 0, 0 }

// spread is uniform below d: devices that were told a window come back all over it.
func spread(r *rand.Rand, d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(r.Int64N(int64(d)))
}
