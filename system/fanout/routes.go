package fanout

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/redis"
)

// routes knows on which gateways users are, for all partitions of a worker.
//
// When presence does not answer, what it said before is used: a gateway that has no socket of the user says so, while
// treating everybody as offline would stop live delivery to all.
type routes struct {
	presence *redis.Presence
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
	stale := r.stale(users)
	if len(stale) == 0 {
		return
	}
	found, err := r.presence.Lookup(ctx, stale)
	if err != nil {
		r.log.Warn("look up presence", "users", len(stale), "error", err)
	}
	until := time.Now().Add(routeTTL)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) > maxRoutes {
		r.known = map[chat.ID]route{}
	}
	for _, u := range stale {
		next := route{gateways: r.known[u].gateways, until: until}
		if err == nil {
			next.gateways = gatewaysOf(found[u])
		}
		r.known[u] = next
	}
}

func (r *routes) stale(users []chat.ID) (out []chat.ID) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range users {
		if !now.Before(r.known[u].until) {
			out = append(out, u)
		}
	}
	return out
}

// gatewaysOf names each gateway once, however many of the user's devices it holds.
func gatewaysOf(devices []redis.Device) (out []string) {
	for _, d := range devices {
		seen := false
		for _, g := range out {
			seen = seen || g == d.Gateway
		}
		if !seen {
			out = append(out, d.Gateway)
		}
	}
	return out
}
