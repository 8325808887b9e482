package explore_test

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/chatlab/chatlab/chaos"
	"github.com/chatlab/chatlab/scenarios/explore"
	"github.com/chatlab/chatlab/system/chat"
)

// plans draws plans that the hardened profile has to survive: up to four faults at once, of pods, stores and links.
func plans() *rapid.Generator[explore.Plan] {
	return rapid.Custom(func(t *rapid.T) explore.Plan {
		p := explore.Plan{
			Profile:  chat.ProfileHardened,
			Switches: drawSwitches(t),
			Seed:     rapid.Uint64Range(1, 1000).Draw(t, "seed"),
			Pods: explore.Pods{
				Gateways: rapid.IntRange(1, 3).Draw(t, "gateways"),
				Messages: rapid.IntRange(1, 2).Draw(t, "messages"),
				Workers:  rapid.IntRange(1, 3).Draw(t, "workers"),
			},
			Length: explore.Span(time.Duration(rapid.IntRange(3, 8).Draw(t, "seconds")) * time.Second),
			Groups: rapid.SliceOfN(groups(), 1, 4).Draw(t, "groups"),
		}
		p.Faults = rapid.SliceOfN(steps(p), 1, 4).Draw(t, "faults")
		return p
	})
}

// drawSwitches sets some switches otherwise than hardened does, each in a way that costs no promise.
func drawSwitches(t *rapid.T) map[string]any {
	sw := map[string]any{}
	for _, s := range []struct {
		name  string
		value any
	}{
		{"single_flight", false}, {"reconnect", "immediate"}, {"heartbeat_by", "client"}, {"receipts", false}, {"inbox", false},
		{"sync", chat.SyncFull}, {"drain", chat.DrainAtOnce}, {"breaker", false}, {"doubt_young_presence", false},
	} {
		if rapid.IntRange(0, 7).Draw(t, s.name) == 7 {
			sw[s.name] = s.value
		}
	}
	return sw
}

func groups() *rapid.Generator[explore.Group] {
	return rapid.Custom(func(t *rapid.T) explore.Group {
		return explore.Group{
			Members:   rapid.SliceOfNDistinct(rapid.IntRange(0, 19), 2, 12, rapid.ID).Draw(t, "members"),
			PerSecond: float64(rapid.IntRange(1, 8).Draw(t, "rate")),
			Bytes:     rapid.SampledFrom([]int{20, 300, 2000}).Draw(t, "bytes"),
		}
	})
}

// steps draws one step of a schedule.
func steps(p explore.Plan) *rapid.Generator[string] {
	faults := rapid.OneOf(ofPods(p.Pods), ofStores(), ofLinks(p.Pods))
	return rapid.Custom(func(t *rapid.T) string {
		s := chaos.Step{At: tenths(t, "at", 2, int(time.Duration(p.Length)/tenth)-5), Fault: faults.Draw(t, "fault")}
		switch s.Fault.(type) {
		case chaos.Restart, chaos.Drain, chaos.Reset, chaos.Evict:
		default:
			s.For = tenths(t, "for", 3, 40)
		}
		return s.String()
	})
}

const tenth = 100 * time.Millisecond

func tenths(t *rapid.T, label string, least, most int) time.Duration {
	return time.Duration(rapid.IntRange(least, most).Draw(t, label)) * tenth
}

// names are those of pods or nodes: gateway-1, gateway-2.
func names(role string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%d", role, i+1))
	}
	return all
}

func pods(p explore.Pods, role string) []string {
	return names(role, map[string]int{"gateway": p.Gateways, "message": p.Messages, "fanout": p.Workers, "presence": 1, "edge": 1}[role])
}

func ofPods(p explore.Pods) *rapid.Generator[chaos.Fault] {
	return rapid.Custom(func(t *rapid.T) chaos.Fault {
		role := rapid.SampledFrom([]string{"gateway", "message", "fanout", "presence", "edge"}).Draw(t, "role")
		name := rapid.SampledFrom(pods(p, role)).Draw(t, "pod")
		switch kind := rapid.SampledFrom([]string{"kill", "stop", "restart", "freeze", "skew", "drain"}).Draw(t, "kind"); {
		case kind == "kill":
			return chaos.Kill{Name: name}
		case kind == "stop":
			return chaos.Stop{Name: name}
		case kind == "restart":
			return chaos.Restart{Name: name}
		case kind == "skew":
			by := tenths(t, "by", 1, 10)
			if rapid.Bool().Draw(t, "behind") {
				by = -by
			}
			return chaos.Skew{Name: name, By: by}
		case kind == "drain" && role == "gateway":
			return chaos.Drain{Name: name, Over: tenths(t, "over", 10, 30)}
		}
		return chaos.Freeze{Name: name}
	})
}

func ofStores() *rapid.Generator[chaos.Fault] {
	redis := []string{"redis-cache", "redis-presence"}
	all := append(append(names("kafka", 3), names("cassandra", 3)...), redis...)
	return rapid.Custom(func(t *rapid.T) chaos.Fault {
		name := rapid.SampledFrom(all).Draw(t, "store")
		switch rapid.SampledFrom([]string{"kill", "stop", "freeze", "evict"}).Draw(t, "kind") {
		case "kill":
			return chaos.Kill{Name: name}
		case "stop":
			return chaos.Stop{Name: name}
		case "freeze":
			return chaos.Freeze{Name: name}
		}
		return chaos.Evict{Name: rapid.SampledFrom(redis).Draw(t, "redis"), Percent: rapid.IntRange(1, 100).Draw(t, "percent")}
	})
}

// talks lists who dials whom.
func talks(p explore.Pods) (pairs [][2]string) {
	for _, ends := range [][2][]string{
		{{"clients"}, pods(p, "gateway")}, {{"clients"}, pods(p, "edge")}, {pods(p, "gateway"), pods(p, "message")}, {pods(p, "gateway"), pods(p, "presence")},
		{pods(p, "fanout"), pods(p, "gateway")}, {pods(p, "message"), names("kafka", 3)}, {pods(p, "fanout"), names("kafka", 3)},
		{pods(p, "message"), names("cassandra", 3)}, {pods(p, "fanout"), names("cassandra", 3)}, {pods(p, "message"), {"redis-cache"}},
		{pods(p, "fanout"), {"redis-cache", "redis-presence"}}, {pods(p, "presence"), {"redis-presence"}},
	} {
		for _, a := range ends[0] {
			for _, b := range ends[1] {
				pairs = append(pairs, [2]string{a, b})
			}
		}
	}
	return pairs
}

func ofLinks(p explore.Pods) *rapid.Generator[chaos.Fault] {
	return rapid.Custom(func(t *rapid.T) chaos.Fault {
		pair := rapid.SampledFrom(talks(p)).Draw(t, "ends")
		path := chaos.Path{From: pair[0], To: pair[1]}
		if rapid.Bool().Draw(t, "from all") {
			path.From = "*"
		}
		switch rapid.SampledFrom([]string{"cut", "latency", "bandwidth", "refuse", "reset"}).Draw(t, "kind") {
		case "refuse":
			return chaos.Refuse{Path: path}
		case "reset":
			return chaos.Reset{Path: path}
		case "bandwidth":
			return chaos.Bandwidth{Path: path, BytesPerSecond: rapid.Int64Range(2, 64).Draw(t, "rate") << 10}
		case "latency":
			path.OneWay = rapid.Bool().Draw(t, "one way")
			return chaos.Latency{Path: path, Delay: tenths(t, "delay", 1, 10), Jitter: tenths(t, "jitter", 1, 5)}
		}
		path.OneWay = rapid.Bool().Draw(t, "one way")
		return chaos.Cut{Path: path}
	})
}
