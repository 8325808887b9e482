package gateway

import (
	"time"
)

const (
	memoryEvery = time.Second
	// calm is by how much of the limit memory must fall below the mark before connections are taken again.
	calm = 0.05
)

// watchMemory is the loop that sheds: from a share of the memory limit on, the gateway keeps the sockets that it has and
// takes no more.
func (g *Gateway) watchMemory() {
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		g.lookAtMemory()
		select {
		case <-g.stop:
			return
		case <-tick.C:
		}
	}
}

func (g *Gateway) lookAtMemory() {
	used, limit := g.cfg.Memory()
	if limit == 0 {
		return
	}
	share, mark := float64(used)/float64(limit), g.cfg.Switches.ShedAt
	switch shedding := g.shedding.Load(); {
	case !shedding && share >= mark:
		g.shedding.Store(true)
		g.cfg.Log.Warn("shed: take no more connections", "used_bytes", used, "limit_bytes", limit)
	case shedding && share < mark-calm:
		g.shedding.Store(false)
		g.cfg.Log.Info("shed no more", "used_bytes", used, "limit_bytes", limit)
	}
}
