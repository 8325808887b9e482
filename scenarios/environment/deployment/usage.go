package deployment

import (
	"context"
	"os"

	"github.com/shirou/gopsutil/v4/process"

	"github.com/chatlab/chatlab/scenarios"
)

// Usage tells what each pod, store and this process have used. The lab's figure holds the devices too, and the stores that
// are no processes of their own.
func (s *System) Usage() []scenarios.Usage {
	out := []scenarios.Usage{usageOf("lab", os.Getpid())}
	for name, p := range s.livePods() {
		out = append(out, usageOf(name, p.PID()))
	}
	return append(out, s.stores.Usage(context.Background())...)
}

func usageOf(name string, pid int) scenarios.Usage {
	u := scenarios.Usage{Process: name}
	p, err := process.NewProcess(int32(pid))
	if err != nil {
		return u
	}
	if t, err := p.Times(); err == nil {
		u.CPUSeconds = t.User + t.System
	}
	if m, err := p.MemoryInfo(); err == nil {
		u.RSSBytes = m.RSS
	}
	return u
}
