package node

import (
	"fmt"
	"math"
	"os"
	"path"
	"runtime/debug"
	"runtime/metrics"
	"slices"
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

// cgroupLimit is the least limit of the process's cgroup and those above it; 0: there is none. Version 2 has one tree,
// version 1 one for memory alone.
func cgroupLimit(own, root string) uint64 {
	groups := map[string]string{"memory.max": "/", "memory/memory.limit_in_bytes": "/"}
	text, _ := os.ReadFile(own) // without it the topmost group speaks for all
	for line := range strings.Lines(string(text)) {
		switch f := strings.SplitN(strings.TrimSpace(line), ":", 3); {
		case len(f) != 3:
		case f[0] == "0" && f[1] == "":
			groups["memory.max"] = path.Clean("/" + f[2])
		case slices.Contains(strings.Split(f[1], ","), "memory"):
			groups["memory/memory.limit_in_bytes"] = path.Clean("/" + f[2])
		}
	}
	least := uint64(noLimit)
	for file, group := range groups {
		tree, name := path.Split(file)
		for ; ; group = path.Dir(group) {
			text, err := os.ReadFile(path.Join(root, tree, group, name))
			if n, bad := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil && bad == nil && n > 0 {
				least = min(least, n)
			}
			if group == "/" {
				break
			}
		}
	}
	if least >= noLimit {
		return 0
	}
	return least
}

// noLimit is beyond any machine's memory: version 1 says so where there is no limit, version 2 "max".
const noLimit = 1 << 60

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
