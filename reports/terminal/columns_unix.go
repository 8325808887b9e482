//go:build unix

package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

// columns asks the terminal behind f for its width; only a terminal answers.
func columns(f *os.File) (width int, isTerminal bool) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, false
	}
	return int(size.Col), true
}
