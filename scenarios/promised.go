package scenarios

import (
	"cmp"
	"time"

	"github.com/chatlab/chatlab/scenarios/property"
)

// What the system's gateways and push pods promise depends on the presence TTL (ARCHITECTURE.md).
const (
	documentTTL = time.Minute
	askEvery    = 5 * time.Second // how often gateways ask after those who are watched
	pushMargin  = 5 * time.Second // at most: for how long push pods look on after the TTL, and keep quiet after a notification
	receiptTime = 3 * time.Second // at most: what the receipt of a delivery takes to be stored
	work        = 3 * time.Second // what calls take, and that the lab sees things where the devices are
)

func (p Play) ttl() time.Duration { return cmp.Or(p.PresenceTTL, documentTTL) }

// Freshness is how old it may be what devices are told of presence. Touched says that the run's faults take the presence
// store away or what it knows.
func (p Play) Freshness(touched bool) property.Freshness {
	ttl := p.ttl()
	f := property.Freshness{Online: askEvery + work, Offline: ttl + ttl/60 + askEvery + work}
	if touched {
		f.Again = ttl/3 + ttl/3 + min(time.Second, ttl/60) + ttl/60 + askEvery + work
	}
	return f
}

// NotMissed is what is promised to those who are away, where push pods run.
func (p Play) NotMissed() property.Property {
	margin := min(p.ttl(), pushMargin)
	return property.PushNotMissed(p.ttl() + margin + margin + work)
}

// NotSpurious is what is promised to those who are there.
func (p Play) NotSpurious() property.Property {
	margin := min(p.ttl(), pushMargin)
	return property.PushNotSpurious(p.ttl()+margin, min(margin, receiptTime)+work)
}

// SharedReads is how often the store may be read for a page for which a crowd waits at message pods. A pod reads it once for
// all who wait there, and once more for those who come when that answer has left. One pod is asked, and another only where
// that one does not answer.
func SharedReads(pods int) int64 { return 2 * int64(pods) }
