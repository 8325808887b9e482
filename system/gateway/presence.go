package gateway

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/chatlab/chatlab/system/chat"
	"github.com/chatlab/chatlab/system/wire/pb"
)

const (
	untold     = math.MinInt64 / 2 // a clock so far back that presence must be told
	maxRefresh = 500               // devices in one call
	maxLeaves  = 64                // Leave calls at one time
)

func (s *session) presence() *pb.DevicePresence {
	return &pb.DevicePresence{UserId: s.user[:], Device: s.device, Gateway: s.g.cfg.Name, Epoch: s.epoch}
}

// announce makes the device findable before it learns that it has resumed, so that nothing falls between. Without
// presence the session goes on, and the refresher tries again.
func (s *session) announce() {
	ctx, cancel := context.WithTimeout(s.g.ctx, s.g.cfg.Limits.Call)
	defer cancel()
	s.refreshed.Store(int64(s.g.clock()))
	res, err := s.g.cfg.Presence.Announce(ctx, &pb.AnnounceRequest{Device: s.presence()})
	s.g.metrics.beat(1, err)
	s.announced.Store(true)
	switch {
	case err != nil:
		s.g.presenceFailed("announce", err)
		s.g.refresher.again([]*session{s}, int64(s.g.clock()))
	case res.Replaced:
		s.close(chat.CloseReplaced)
	}
}

// sayLeft takes the device out of presence, which keeps it if it has come back elsewhere meanwhile. When too many leave
// at once, presence forgets the rest by itself.
func (s *session) sayLeft() {
	ctx, cancel := context.WithTimeout(s.g.ctx, s.g.cfg.Limits.Call)
	defer cancel()
	select {
	case s.g.leaving <- struct{}{}:
		defer func() { <-s.g.leaving }()
	case <-ctx.Done():
		return
	}
	if _, err := s.g.cfg.Presence.Leave(ctx, &pb.LeaveRequest{Device: s.presence()}); err != nil {
		s.g.presenceFailed("leave", err)
	}
}

func (g *Gateway) presenceFailed(call string, err error) {
	g.metrics.presenceErrors.WithLabelValues(call).Inc()
	g.cfg.Log.Warn("presence does not answer", "call", call, "error", err)
}

// refresher passes signs of life on to presence, many in one call. It is driven by the signs and not by time, so that
// a device is online for the TTL after its last sign of life. What presence did not take is passed on again until the
// sign is a third of the TTL old: a device that is not found is shown nothing, and its next sign may be far away.
type refresher struct {
	on     bool
	every  time.Duration // between two signs of a device that are passed on: a third of the TTL
	gather time.Duration // how long a sign may wait for others
	mu     sync.Mutex
	due    []*session
	some   chan struct{} // due is not empty
	many   chan struct{} // due fills a call
}

func (r *refresher) init(on bool, ttl time.Duration) {
	r.on, r.every, r.gather = on, ttl/refreshes, ttl/gathers
	r.some, r.many = make(chan struct{}, 1), make(chan struct{}, 1)
}

// alive notes a device's sign of life.
func (r *refresher) alive(s *session, now int64) {
	last := s.refreshed.Load()
	if !r.on || now-last < int64(r.every) || !s.refreshed.CompareAndSwap(last, now) {
		return
	}
	r.mu.Lock()
	r.due = append(r.due, s)
	n := len(r.due)
	r.mu.Unlock()
	if n == 1 {
		signal(r.some)
	}
	if n == maxRefresh {
		signal(r.many)
	}
}

// again keeps what presence did not take, as long as the sign of life is fresh. It hurries nobody: presence may be down.
func (r *refresher) again(failed []*session, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range failed {
		last := s.refreshed.Load()
		if r.on && now-last < int64(r.every) {
			r.due = append(r.due, s)
			continue
		}
		s.refreshed.CompareAndSwap(last, untold) // the next sign tries again
	}
	if len(r.due) > 0 {
		signal(r.some)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (r *refresher) take() []*session {
	r.mu.Lock()
	defer r.mu.Unlock()
	due := r.due
	r.due = nil
	return due
}

// refresh is the refresher's loop.
func (g *Gateway) refresh() {
	r := &g.refresher
	gather := time.NewTimer(math.MaxInt64)
	defer gather.Stop()
	for {
		select {
		case <-g.stop:
			return
		case <-r.some:
		}
		gather.Reset(r.gather)
		select {
		case <-g.stop:
			return
		case <-r.many:
		case <-gather.C:
		}
		g.refreshAll(r.take())
	}
}

func (g *Gateway) refreshAll(due []*session) {
	due = slices.DeleteFunc(due, (*session).ended)
	for len(due) > 0 {
		n := min(len(due), maxRefresh)
		if !g.refreshSome(due[:n]) {
			now := int64(g.clock())
			g.refresher.again(due[n:], now) // before those that failed, which may be the cause
			g.refresher.again(due[:n], now)
			return
		}
		due = due[n:]
	}
}

// refreshSome renews a call's worth of devices, and says whether presence took them. A device that has come back
// elsewhere keeps only its newer connection.
func (g *Gateway) refreshSome(due []*session) bool {
	req := &pb.RefreshRequest{Devices: make([]*pb.DevicePresence, len(due))}
	for i, s := range due {
		req.Devices[i] = s.presence()
	}
	ctx, cancel := context.WithTimeout(g.ctx, g.cfg.Limits.Call)
	defer cancel()
	res, err := g.cfg.Presence.Refresh(ctx, req)
	g.metrics.beat(len(due), err)
	if err != nil {
		g.presenceFailed("refresh", err)
		return false
	}
	for _, i := range res.Replaced {
		if int(i) < len(due) {
			due[i].close(chat.CloseReplaced)
		}
	}
	return true
}
