package pod

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// stopsWithin is more than a busy machine needs to let every thread of a process see the signal.
const stopsWithin = 5 * time.Second

// awaitStop returns when every thread of a child that got SIGSTOP rests: the signal alone only asks, and on a busy machine
// threads go on for a while.
func awaitStop(pid int) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(stopsWithin); ; <-tick.C {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WSTOPPED|unix.WNOHANG, nil)
		switch {
		case err == nil && info.Signo != 0, errors.Is(err, unix.ECHILD): // it rests, or has ended
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("wait until process %d rests: %w", pid, err)
		case time.Now().After(end):
			return fmt.Errorf("process %d does not rest within %s", pid, stopsWithin)
		}
	}
}
