//go:build !unix

package terminal

import "os"

// columns knows no terminal's width here, only whether f looks like one.
func columns(f *os.File) (width int, isTerminal bool) {
	info, err := f.Stat()
	return 0, err == nil && info.Mode()&os.ModeCharDevice != 0
}
