package network

import (
	"sync/atomic"
	"time"
)

// route is the way from one host to another.
type route struct {
	network  *Network
	from, to *Host
	cut      atomic.Bool
}

// route finds or makes a route. The caller holds the network's lock.
func (n *Network) route(from, to *Host) *route {
	key := ends{from, to}
	if n.routes[key] == nil {
		n.routes[key] = &route{network: n, from: from, to: to}
	}
	return n.routes[key]
}

// delay is how long a segment needs. Within a host it needs no time.
func (r *route) delay(dial, number uint64) time.Duration {
	if r.network.config.Latency == nil || r.from == r.to {
		return 0
	}
	return r.network.config.Latency(Segment{From: r.from.name, To: r.to.name, Dial: dial, Number: number})
}

// Jittered is a latency function between shortest and longest that depends on seed and segment only.
func Jittered(seed uint64, shortest, longest time.Duration) func(Segment) time.Duration {
	return func(s Segment) time.Duration {
		hash := seed
		for _, c := range []byte(s.From + ">" + s.To) {
			hash = mix(hash ^ uint64(c))
		}
		hash = mix(mix(hash^s.Dial) ^ s.Number)
		if longest <= shortest {
			return shortest
		}
		return shortest + time.Duration(hash%uint64(longest-shortest))
	}
}

// mix is the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
