package node

import (
	"fmt"
	"math"
	"os"
	"path"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
)

// Bytes is a size as people write it: 512MiB.
type Bytes uint64

// UnmarshalText reads a number with or without a unit, as GOMEMLIMIT has them.
func (b *Bytes) UnmarshalText(text []byte) error {
	number, shift := string(text), 0
	for unit, s := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40} {
		if n, ok := strings.CutSuffix(number, unit); ok {
			number, shift = n, s
			break
		}
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(number, "B"), 10, 64)
	if err != nil || n == 0 || n > math.MaxInt64>>shift {
		return fmt.Errorf("size %.20q: want a number of bytes above 0, or one with KiB, MiB, GiB or TiB", text)
	}
	*b = Bytes(n << shift)
	return nil
}

// memoryLimit is what the process may use: as it was told, or of its cgroup, or GOMEMLIMIT; 0: nobody says.
func memoryLimit(told Bytes) uint64 {
	if told > 0 {
		return uint64(told)
	}
	if limit := cgroupLimit("/proc/self/cgroup", "/sys/fs/cgroup"); limit > 0 {
		return limit
	}
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 {
		return uint64(limit)
	}
	return 0
}

// cgroupLimit is the least memory.max of the process's cgroup and those above it; 0: there is none.
func cgroupLimit(own, root string) (limit uint64) {
	group := "/"
	if text, err := os.ReadFile(own); err == nil {
		for line := range strings.Lines(string(text)) {
			if g, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
				group = path.Clean("/" + g)
			}
		}
	}
	for ; ; group = path.Dir(group) {
		text, err := os.ReadFile(path.Join(root, group, "memory.max"))
		if n, bad := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil && (limit == 0 || n < limit) {
			limit = n
		}
		if group == "/" {
			return limit
		}
	}
}

// memoryOf makes the measure of a gateway's memory. The collector is told to keep below the mark from which the gateway
// sheds: what is used beyond is then held by sockets, and not garbage that waits.
func memoryOf(told Bytes, shedAt float64) func() (used, limit uint64) {
	limit := memoryLimit(told)
	if limit > 0 && shedAt > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(0.9 * shedAt * float64(limit)))
	}
	return func() (uint64, uint64) { return memoryUsed(), limit }
}

// memoryUsed is what the runtime has of the system and has not given back, in bytes.
func memoryUsed() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}
