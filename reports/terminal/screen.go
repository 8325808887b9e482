// Package terminal shows a run on a terminal: one live line while it lasts, and the verdict as a table when it is over.
package terminal

import (
	"os"
	"strconv"
)

// A Screen is what is known of the place that text goes to.
type Screen struct {
	Live  bool // lines can be written over: it is a terminal
	Color bool
	Width int // columns
}

// Detect looks at a file and the environment: a file that is no terminal, or TERM=dumb, is not live; NO_COLOR, if it
// is set to anything, turns colour off; COLUMNS is the width where the file does not know its own, 80 where it is unset.
func Detect(f *os.File, environment func(name string) string) Screen {
	width, isTerminal := columns(f)
	if width <= 0 {
		width, _ = strconv.Atoi(environment("COLUMNS"))
	}
	if width <= 0 {
		width = 80
	}
	live := isTerminal && environment("TERM") != "dumb"
	return Screen{Live: live, Color: live && environment("NO_COLOR") == "", Width: width}
}
