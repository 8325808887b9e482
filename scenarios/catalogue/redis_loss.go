package catalogue

import (
	"fmt"
	"time"

	"github.com/chatlab/chatlab/scenarios"
	"github.com/chatlab/chatlab/scenarios/measure"
	"github.com/chatlab/chatlab/system/chat"
)

// RedisLoss asks what a chat is without the store that knows who is where.
//
// A Redis that dies and comes back is empty: an outage is seen by everybody who asks, but an empty answer looks like the
// truth. The cache is the simpler half: whatever it knew, storage knows too.
func RedisLoss() scenarios.Scenario {
	return scenarios.Scenario{
		Name:     "redis-loss",
		Question: "Redis dies and comes back empty. Who still gets messages, who gets a notification for a message on the screen, and who is shown online?",
		Claims:   redisClaims(),
		Topology: redisTopology(),
		Play:     redisPlay,
		Variants: []scenarios.Variant{redisDocument(), redisMitigated(), redisHardened(), redisCache()},
	}
}

func redisTopology() scenarios.Topology {
	return scenarios.Topology{Gateways: 2, Messages: 2, Workers: 2, Presences: 1, Pushes: 1, Partitions: 24}
}

// redisCrowd opens its conversation together, again and again: while the cache is away each such page comes from the store.
const redisCrowd = 20

// redisAway is shorter than the time between two signs of a device that are passed on, so that the store comes back before
// most of them are due: what it then lacks is not what it missed, but what it lost.
func redisAway(size scenarios.Size) time.Duration {
	if size == scenarios.Small {
		return 1500 * time.Millisecond
	}
	return 7500 * time.Millisecond
}

// redisPlay: everybody's phone takes notifications. In each group one is away: before the workload begins, or soon after. The
// others are connected all the time, and some of them are in one more group.
func redisPlay(size scenarios.Size) scenarios.Play {
	groups, members, rate := 10, 10, smallRate
	p := scenarios.Play{
		Steady: 4 * time.Second, Fault: 14 * time.Second, Recovery: 8 * time.Second, Settle: 20 * time.Second,
		PresenceTTL: 12 * time.Second, Heartbeat: 6 * time.Second, Watches: 2, Crowd: crowdName,
		Scale: []scenarios.Scale{{What: "presence TTL and heartbeat", Factor: 12.0 / 60, Reason: "small runs take seconds"}},
	}
	if size == scenarios.Document {
		groups, rate = 50, 0.1 // with the heartbeats of 500 devices what real servers on two cores carry
		p.Steady, p.Fault, p.Recovery, p.Settle = 25*time.Second, 70*time.Second, 10*time.Second, 90*time.Second
		p.PresenceTTL, p.Heartbeat = time.Minute, 30*time.Second
		p.Scale = []scenarios.Scale{{What: "sockets", Factor: float64(groups*members) / 1e6, Reason: "two cores carry devices, pods and stores together"}}
	}
	p.Plan = chattingGroups(groups, members, rate, p.Steady+p.Fault+p.Recovery)
	for g := range groups {
		leaves(&p.Plan, g, time.Duration(g%2)*p.Steady/2)
	}
	gathers(&p.Plan, redisCrowd, rate)
	return p
}

func redisDies(node string) func(scenarios.Size) string {
	return func(size scenarios.Size) string {
		return fmt.Sprintf("at %s kill %s for %s", redisPlay(size).Steady, node, redisAway(size))
	}
}

func redisDocument() scenarios.Variant {
	return scenarios.Variant{
		Name:        "document",
		Description: "presence dies: without an answer everybody counts as offline, until the next heartbeat enters them again",
		Switches:    profile(chat.ProfileDocument),
		Faults:      redisDies("redis-presence"),
		Expect:      notPromised(map[string]scenarios.Expectation{"no-acked-loss": scenarios.Unknown, "history-is-live": scenarios.Unknown, "shown-at-most-once": scenarios.Unknown}),
		Checks:      func(size scenarios.Size) []scenarios.Check { return []scenarios.Check{works(size)} },
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{deliveriesStop(n)}
		},
	}
}

func redisMitigated() scenarios.Variant {
	return scenarios.Variant{
		Name:        "mitigated",
		Description: "presence dies: the document's fallback asks the gateways, behind a circuit breaker, until presence answers",
		Switches:    profile(chat.ProfileMitigated),
		Faults:      redisDies("redis-presence"),
		// A store that came back empty is believed: whoever it lost gets nothing live until the next sign of life.
		Expect: notPromised(map[string]scenarios.Expectation{"no-acked-loss": scenarios.Unknown, "history-is-live": scenarios.Unknown}),
		Checks: func(size scenarios.Size) []scenarios.Check {
			disturbed := scenarios.Check{Property: redisPlay(size).NotSpurious(), Expect: scenarios.Broken} // for the same reason
			return []scenarios.Check{works(size), disturbed}
		},
	}
}

func redisHardened() scenarios.Variant {
	return scenarios.Variant{
		Name:        "hardened",
		Description: "presence dies: the fallback also covers the time in which presence is back and knows nobody yet",
		Switches:    profile(chat.ProfileHardened),
		Faults:      redisDies("redis-presence"),
		Checks:      redisChecks,
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{deliveriesGoOn(n), nobodyIsDisturbed(n)}
		},
	}
}

func redisCache() scenarios.Variant {
	return scenarios.Variant{
		Name:        "cache",
		Description: "the cache dies instead: pages and counters are read from storage, once for all who wait, and the cache fills again",
		Switches:    profile(chat.ProfileHardened),
		Faults:      redisDies("redis-cache"),
		Checks: func(size scenarios.Size) []scenarios.Check {
			return append(redisChecks(size), readTogether(redisTopology().Messages, redisCrowd))
		},
		Findings: func(_ scenarios.Size, _ scenarios.Play, n *measure.Numbers) []scenarios.Finding {
			return []scenarios.Finding{deliveriesGoOn(n), nobodyIsDisturbed(n)}
		},
	}
}

func redisChecks(size scenarios.Size) []scenarios.Check {
	p := redisPlay(size)
	return append(notified(p), works(size), accepts(size, "", 0.999), shownGone(p, true), shownThere(p, true))
}
