package gateway

import (
	"context"
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

const (
	drainStep = 20 * time.Millisecond // between two groups of sessions that are told to leave
	farewell  = time.Second           // that devices get to answer a close frame when the gateway ends
)

// Drain takes no more connections and tells the sessions to leave, evenly over nine tenths of the time that ctx leaves,
// so that they do not all come back at once. It returns when all are gone or ctx ends.
func (g *Gateway) Drain(ctx context.Context) {
	g.shut(draining)
	all := g.table.all()
	steps := 1
	if end, ok := ctx.Deadline(); ok {
		steps = max(1, int(time.Until(end)*9/10/drainStep))
	}
	tick := time.NewTicker(drainStep)
	defer tick.Stop()
	var busy []*session
	for i, told := 0, 0; i < steps && told < len(all); i++ {
		for ; told < len(all)*(i+1)/steps; told++ {
			if s := all[told]; s.lanes.busy() {
				busy = append(busy, s)
			} else {
				s.close(chat.CloseDraining)
			}
		}
		if told < len(all) && !g.next(ctx, tick) {
			return
		}
	}
	for _, s := range busy { // their answers have had time to go out
		s.close(chat.CloseDraining)
	}
	for g.connections.Load() > 0 && g.next(ctx, tick) {
	}
}

func (g *Gateway) next(ctx context.Context, tick *time.Ticker) bool {
	select {
	case <-tick.C:
		return true
	case <-ctx.Done():
	case <-g.stop:
	}
	return false
}

// Close ends every session with going_away and returns when nothing of the gateway runs any more.
func (g *Gateway) Close() {
	if g.shut(closed) {
		for _, s := range g.table.all() {
			s.close(chat.CloseGoingAway)
		}
		close(g.stop)
	}
	done := make(chan struct{})
	go func() { g.work.Wait(); close(done) }()
	late := time.NewTimer(farewell)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
		g.hangUp()
		<-done
	}
	g.cancel()
}

// hangUp ends what still waits for devices or for other roles.
func (g *Gateway) hangUp() {
	g.cancel()
	for _, s := range g.table.all() {
		s.conn.Close()
	}
}
