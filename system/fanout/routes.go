package fanout

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/redis"
)

// routes knows on which gateways users are, for all partitions of a worker.
//
// When presence does not answer, the gateways are asked themselves. Without that fallback users count as offline and
// get nothing live, as in the document: they find it by their next heartbeat. What presence said before its outage is
// not used for long: it names the gateways that users have left, and not those they have gone to. A store that came back
// empty answers, but knows only who has been told to it since: it may be doubted until it is older than the TTL.
type routes struct {
	lookup   *lookup
	fallback *fallback // nil: without presence everybody is offline
	doubt    bool      // of a young store
	log      *slog.Logger
	mu       sync.Mutex
	known    map[chat.ID]route
}

type route struct {
	gateways []string
	until    time.Time
}

// maxRoutes bounds the memory; past it, everything is looked up again.
const maxRoutes = 1_000_000

func newRoutes(cfg Config, o *outlets, m metrics) *routes {
	r := &routes{lookup: newLookup(cfg.Presence, cfg.Switches, m.calls), log: cfg.Logger, known: map[chat.ID]route{}}
	if cfg.Switches.Fallback {
		r.doubt = cfg.Switches.Doubt
		r.fallback = &fallback{outlets: o, metrics: m, log: cfg.Logger}
	}
	return r
}

// close returns when nothing of the routes runs any more.
func (r *routes) close() { r.lookup.close() }

// byGateway sorts users by the gateways that hold a device of theirs.
func (r *routes) byGateway(ctx context.Context, users []chat.ID) map[string][]byte {
	r.refresh(ctx, users)
	out := map[string][]byte{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range users {
		for _, g := range r.known[u].gateways {
			out[g] = append(out[g], u[:]...)
		}
	}
	return out
}

func (r *routes) refresh(ctx context.Context, users []chat.ID) {
	stale, before := r.stale(users)
	if len(stale) == 0 {
		return
	}
	until := time.Now().Add(routeTTL) // from the question: who arrives after it is not in the answer
	found, err := r.find(ctx, stale, before)
	if err != nil && !errors.Is(err, errPresenceAway) {
		r.log.Warn("look up presence", "users", len(stale), "error", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) > maxRoutes {
		r.known = map[chat.ID]route{}
	}
	for _, u := range stale {
		r.known[u] = route{found[u], until}
	}
}

// find asks presence, or else the gateways, where users are; before is where they were. After an error nobody is known
// to be anywhere.
func (r *routes) find(ctx context.Context, users []chat.ID, before map[chat.ID][]string) (map[chat.ID][]string, error) {
	answer, err := r.lookup.find(ctx, users)
	switch {
	case err != nil && r.fallback != nil && ctx.Err() == nil:
		return r.fallback.find(ctx, users, before), nil
	case err != nil:
		return nil, err
	}
	found := make(map[chat.ID][]string, len(answer.Devices))
	for u, ds := range answer.Devices {
		found[u] = gatewaysOf(ds)
	}
	if r.doubt && !answer.Whole && ctx.Err() == nil {
		for u, gateways := range r.fallback.find(ctx, users, before) {
			found[u] = union(found[u], gateways)
		}
	}
	return found, nil
}

func union(a, b []string) []string {
	for _, g := range b {
		if !slices.Contains(a, g) {
			a = append(a, g)
		}
	}
	return a
}

// stale returns the users who must be looked up, and where they were.
func (r *routes) stale(users []chat.ID) (out []chat.ID, before map[chat.ID][]string) {
	now := time.Now()
	before = map[chat.ID][]string{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range users {
		known := r.known[u]
		if now.Before(known.until) {
			continue
		}
		out = append(out, u)
		if len(known.gateways) > 0 {
			before[u] = known.gateways
		}
	}
	return out, before
}

// gatewaysOf names each gateway once, however many of the user's devices it holds.
func gatewaysOf(devices []redis.Device) (out []string) {
	for _, d := range devices {
		if !slices.Contains(out, d.Gateway) {
			out = append(out, d.Gateway)
		}
	}
	return out
}
