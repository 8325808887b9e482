package cluster

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// Usage is what a server's container has used.
type Usage struct {
	CPUSeconds  float64
	MemoryBytes uint64 // without what the kernel caches of its files
}

// Usage asks the engine about all servers; those that do not run are left out.
func (c *Cluster) Usage(ctx context.Context) map[string]Usage {
	used := map[string]Usage{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, s := range c.servers {
		all.Go(func() {
			u, ok := c.engine.usage(ctx, s.id)
			mu.Lock()
			defer mu.Unlock()
			if ok {
				used[s.Name] = u
			}
		})
	}
	all.Wait()
	return used
}

func (e *engine) usage(ctx context.Context, id string) (u Usage, ok bool) {
	res, err := e.ContainerStats(ctx, id, client.ContainerStatsOptions{})
	if err != nil {
		return u, false
	}
	defer res.Body.Close()
	var stats container.StatsResponse
	if err := json.NewDecoder(res.Body).Decode(&stats); err != nil || stats.CPUStats.CPUUsage.TotalUsage == 0 {
		return u, false
	}
	cached := stats.MemoryStats.Stats["inactive_file"] // control groups' second version
	if first, ok := stats.MemoryStats.Stats["total_inactive_file"]; ok {
		cached = first
	}
	return Usage{CPUSeconds: float64(stats.CPUStats.CPUUsage.TotalUsage) / 1e9, MemoryBytes: stats.MemoryStats.Usage - min(cached, stats.MemoryStats.Usage)}, true
}
