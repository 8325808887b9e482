package catalogue

import (
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/property"
)

// works: in steady state at least 99.9 % of the sends are acknowledged.
func works(size scenarios.Size) scenarios.Check {
	return scenarios.Check{
		Property: property.AckedRatio(property.Floor{Phase: "steady", Ratio: 0.999, MinSamples: samples(size, 20, 100)}),
		Expect:   scenarios.Holds,
	}
}

// accepts is a floor for one conversation while the fault lasts.
func accepts(size scenarios.Size, label string, ratio float64) scenarios.Check {
	p := property.AckedRatio(property.Floor{Phase: "fault", Label: label, Ratio: ratio, MinSamples: samples(size, 20, 100)})
	return named(p, of("accepted", label), scenarios.Holds)
}

// arrives bounds the delivery lag of a conversation while the fault lasts.
func arrives(size scenarios.Size, label string, p99 time.Duration, expect scenarios.Expectation) scenarios.Check {
	p := property.DeliveryLag(property.Bound{Phase: "fault", Label: label, P99: p99, MinSamples: samples(size, 100, 2000)})
	return named(p, of("in time", label), expect)
}

// reachesMany bounds the delivery lag of a conversation in which each message reaches very many. Those deliveries are late
// together: the p99 of a small run is its slowest message, of a hundred. What rests on ten of them is the p90.
func reachesMany(size scenarios.Size, label string, within time.Duration, expect scenarios.Expectation) scenarios.Check {
	if size != scenarios.Small {
		return arrives(size, label, within, expect)
	}
	p := property.DeliveryLag(property.Bound{Phase: "fault", Label: label, P90: within, MinSamples: samples(size, 100, 2000)})
	return named(p, of("in time", label), expect)
}

// unharmed holds a conversation's lag during the fault against the same run's steady state. With the samples of a small
// run only the order of magnitude is meant.
func unharmed(size scenarios.Size, label string, expect scenarios.Expectation) scenarios.Check {
	b := property.Bound{Phase: "fault", Label: label, Unharmed: true, MinSamples: samples(size, 100, 2000)}
	if size == scenarios.Small {
		b.Factor, b.Slack = 10, 500*time.Millisecond
	}
	return named(property.DeliveryLag(b), of("unharmed", label), expect)
}

// shownGone and shownThere hold what devices are told of presence against what the system states for the play's TTL.
// Touched says that the faults take the presence store away or what it knows.
func shownGone(p scenarios.Play, touched bool) scenarios.Check {
	return scenarios.Check{Property: property.PresenceSafe(p.Freshness(touched)), Expect: scenarios.Holds}
}

func shownThere(p scenarios.Play, touched bool) scenarios.Check {
	return scenarios.Check{Property: property.PresenceLive(p.Freshness(touched)), Expect: scenarios.Holds}
}

// notified are the properties of notifications.
func notified(p scenarios.Play) []scenarios.Check {
	return []scenarios.Check{{Property: p.NotMissed(), Expect: scenarios.Holds}, {Property: p.NotSpurious(), Expect: scenarios.Holds}}
}

// readTogether bounds the reads of a page that the cache lacks, where three quarters of a crowd or more wait for it at once.
func readTogether(pods, crowd int) scenarios.Check {
	p := property.ReadsPerMiss(property.Crowd{Members: crowd * 3 / 4, Reads: scenarios.SharedReads(pods)})
	return scenarios.Check{Property: p, Expect: scenarios.Holds}
}

func named(p property.Property, name string, expect scenarios.Expectation) scenarios.Check {
	p.Name = name
	return scenarios.Check{Property: p, Expect: expect}
}

// of names a check of one conversation, or of all where the label is empty.
func of(check, label string) string {
	if label == "" {
		return check
	}
	return check + ": " + label
}

func samples(size scenarios.Size, small, document int64) int64 {
	if size == scenarios.Small {
		return small
	}
	return document
}
