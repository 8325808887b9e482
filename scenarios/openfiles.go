package scenarios

import (
	"fmt"
	"syscall"
)

// A device on a link that faults can act on has three descriptors in this process: its own, and two of the relay.
const (
	filesOfDevice = 1
	filesOfRelay  = 2
	filesBesides  = 4000 // stand-ins, pods' links, HTTP connections
)

// openFiles makes sure that a play's devices find descriptors, and raises the limit where this process may. Load processes
// inherit it, and hold a share of the devices each.
func openFiles(play Play) error {
	devices, processes := play.Plan.Users, max(1, play.Processes)
	files := filesOfDevice * (devices + processes - 1) / processes
	if !play.Direct {
		files += filesOfRelay * devices
	}
	want := uint64(files + filesBesides)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("ask for the limit of open files: %w", err)
	}
	if limit.Cur >= want {
		return nil
	}
	had := limit.Cur
	limit.Cur, limit.Max = want, max(limit.Max, want)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("%d devices want %d open files and the limit is %d: allow more with ulimit -n %d", devices, want, had, want)
	}
	return nil
}
