package gateway

import (
	"time"

	"github.com/chatlab/chatlab/system/chat"
)

// farewell is what devices get to answer a close frame when the gateway ends.
const farewell = time.Second

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
